"""`react` quarantines what it cannot apply; `milepost redrive` applies it again, with the real
adapters."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.react.app import handler as react
from milepost.contacts.event import contact_id
from milepost.contacts.profile import Profile
from milepost.wiring import core, tables
from milepost_tools.cli.app import main
from milepost_tools.operations.dead_letter_queue import SqsDeadLetterQueue
from milepost_tools.operations.redrive import Redriver
from tests.support.cloud import EMAIL, ENVIRONMENT, Item, Printed, Shop
from tests.support.handlers import tell

TRIES = 3
URL = ENVIRONMENT["MILEPOST_DEAD_LETTERS"]


class Stream:
    """A shard of the table's stream, as DynamoDB Streams returns it."""

    def __init__(self, *records: Item) -> None:
        self.records = list(records)

    def get_shard_iterator(self, **asked: str) -> Item:
        assert asked["ShardIteratorType"] == "AT_SEQUENCE_NUMBER"
        return {"ShardIterator": asked["SequenceNumber"]}

    def get_records(self, *, ShardIterator: str) -> Item:
        first = int(ShardIterator)
        found = [r for r in self.records if int(r["dynamodb"]["SequenceNumber"]) >= first]
        return {"Records": found[:1], "NextShardIterator": str(first + 1)}


class Formation:
    """CloudFormation with the outputs of one stack."""

    def describe_stacks(self, *, StackName: str) -> Item:
        if StackName != "milepost-here":
            error: Any = {"Error": {"Code": "ValidationError", "Message": "no such stack"}}
            raise ClientError(error, "DescribeStacks")
        outputs = {
            "ContactsTableName": ENVIRONMENT["MILEPOST_CONTACTS_TABLE"],
            "ReactDeadLettersUrl": URL,
        }
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{"Outputs": listed}]}


@pytest.fixture(autouse=True)
def stack(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = core.client
    special = {"cloudformation": Formation(), "dynamodbstreams": Stream()}
    monkeypatch.setattr(core, "client", lambda name: special.get(name) or real(name))
    yield
    boto3.client("sqs").delete_queue(QueueUrl=URL)
    boto3.client("sqs").create_queue(QueueName=URL.rpartition("/")[2])


def profile(shop: Shop) -> Profile | None:
    return tables.contacts().profile(shop.store, contact_id(shop.store, "email", EMAIL))


def counts(shop: Shop) -> dict[str, int]:
    held = profile(shop)
    return {name: total.count for name, total in held.totals.items()} if held else {}


def poisoned(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Item:
    """Let `react` quarantine an event; return its stream record."""
    with monkeypatch.context() as patch:
        # For example a lone surrogate that the code of that time cannot read.
        patch.setattr("milepost.handlers.react.event_from_item", _fails)
        with pytest.raises(Exception, match="1 contacts"):
            tell(shop, "Poisoned")
        (item,) = shop.events("Poisoned")
        batch = shop.cloud.stream(item)
        for number in range(TRIES):
            if number < TRIES - 1:
                with pytest.raises(Exception, match="1 contacts"):
                    react(batch, None)
            else:
                react(batch, None)
    record: Item = batch["Records"][0]
    return record


def _fails(*_: Any) -> Any:
    raise ValueError("unreadable")


def go_on(shop: Shop) -> None:
    """Deliver the items that redrive added to the stream."""
    for item in shop.items("REPLAY#"):
        batch = shop.cloud.stream(item)
        for _ in range(2):
            react(batch, None)


def test_failing_record_is_quarantined_and_contact_continues(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    poisoned(shop, monkeypatch)
    tell(shop, "Later")
    assert counts(shop) == {"Later": 1}
    (kept,) = [item for item in shop.items("DEADLETTER#") if item["attempts"]["N"] == str(TRIES)]
    assert kept["reason"]["S"].startswith("ValueError")
    (record,) = [r for r in printed.records() if r.get("message") == "record quarantined"]
    assert (record["store"], record["attempts"], record["applied"]) == (shop.store, TRIES, False)
    assert printed.counted("RecordsQuarantined") == 1


def test_redrive_applies_record_once_after_later_ones(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    poisoned(shop, monkeypatch)
    tell(shop, "Later")
    assert main(["redrive", "--stack", "milepost-here", "--dry-run"]) == 0
    assert shop.items("REPLAY#") == []
    assert main(["redrive", "--stack", "milepost-here"]) == 0
    go_on(shop)
    assert counts(shop) == {"Poisoned": 1, "Later": 1}
    assert main(["redrive", "--stack", "milepost-here"]) == 0
    first, _, second, _, third = [line for line in printed.lines() if line[:1] != "{"]
    assert "would be applied (ValueError at milepost.handlers.react:" in first
    assert "is applied (ValueError" in second
    assert third == "no dead letters"


def part(stream: str, record: Item) -> str:
    """Lambda's message about a part of the stream that it gave up on."""
    number = record["dynamodb"]["SequenceNumber"]
    return json.dumps(
        {
            "requestContext": {"condition": "RetryAttemptsExhausted"},
            "DDBStreamBatchInfo": {
                "shardId": "shard-1",
                "startSequenceNumber": number,
                "endSequenceNumber": number,
                "batchSize": 1,
                "streamArn": stream,
            },
        }
    )


def redriver(stream: Any) -> Redriver:
    table = tables.contacts().table
    sqs = boto3.client("sqs")
    return Redriver(tables.contacts(), SqsDeadLetterQueue(table, sqs, URL, stream))


def given_up(shop: Shop, name: str) -> Item:
    """The stream record of an event that Lambda gave up on before the function could handle it."""
    from tests.support.aws_events import streamed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.handlers.react", lambda *_: None)
        tell(shop, name)
    (item,) = shop.events(name)
    record: Item = streamed(item)["Records"][0]
    record["eventName"] = "INSERT"
    return record


@pytest.mark.parametrize("later", [False, True])
def test_redrive_applies_stream_part_if_no_later_record_was_applied(
    shop: Shop, later: bool
) -> None:
    record = given_up(shop, "Lost")
    boto3.client("sqs").send_message(QueueUrl=URL, MessageBody=part("arn:stream", record))
    if later:
        tell(shop, "Later")
    done = list(redriver(Stream(record)).redrive())
    assert [each.result for each in done] == ["unknown" if later else "applied"]
    go_on(shop)
    assert counts(shop) == ({"Later": 1} if later else {"Lost": 1})


def test_redrive_reports_part_trimmed_from_stream(shop: Shop) -> None:
    class Trimmed(Stream):
        def get_shard_iterator(self, **_: str) -> Item:
            error: Any = {"Error": {"Code": "TrimmedDataAccessException", "Message": ""}}
            raise ClientError(error, "GetShardIterator")

    record = given_up(shop, "Lost")
    boto3.client("sqs").send_message(QueueUrl=URL, MessageBody=part("arn:stream", record))
    assert [each.result for each in redriver(Trimmed()).redrive(dry_run=True)] == ["trimmed"]


def test_unknown_stack_is_named_in_error(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["redrive", "--stack", "nowhere"]) == 2
