"""`trigger_email` counts and stops marketing, `run_steps` defers it, `milepost resume` resumes
it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from milepost.published.marketing_stop import MarketingStop
from milepost.sending.reputation import HourlyCount, hour_of
from milepost.wiring import core, publishing, runtime, sending
from milepost_tools.cli.app import main
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import ENVIRONMENT, Item, Printed, Shop
from tests.support.handlers import record_ses_events, run, ses_event, tell, upload

VISIT = workflow(send("offer"), on="Visited", topic="offers")
STACK = "milepost-here"


class Formation:
    """CloudFormation with the outputs of one stack."""

    def describe_stacks(self, *, StackName: str) -> Item:
        if StackName != STACK:
            error: Any = {"Error": {"Code": "ValidationError", "Message": "no such stack"}}
            raise ClientError(error, "DescribeStacks")
        name = ENVIRONMENT["MILEPOST_WORKFLOWS_TABLE"]
        return {"Stacks": [{"Outputs": [{"OutputKey": "WorkflowsTableName", "OutputValue": name}]}]}


@pytest.fixture(autouse=True)
def stack(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = core.client
    special = {"cloudformation": Formation(), "sts": boto3.client("sts")}
    monkeypatch.setattr(core, "client", lambda name: special.get(name) or real(name))
    upload(shop, files_of(visit=VISIT))
    shop.cloud.post.sent.clear()
    shop.cloud.post.answers.clear()
    yield


def stop(shop: Shop) -> MarketingStop:
    breaker = MarketingStop(datetime.now(UTC).replace(microsecond=0), "bounced", 5, 100, 1)
    reputation = sending.marketing_health()
    assert reputation.breakers.open(shop.store, "", breaker) == breaker
    core.published.cache_clear()
    sending.mail_sender.cache_clear()
    runtime.block_runner.cache_clear()
    return breaker


def tallies(shop: Shop) -> list[HourlyCount]:
    now = datetime.now(UTC)
    return list(sending.marketing_health().tallies.since(shop.store, "", now - timedelta(days=1)))


def test_sends_and_bounces_count_in_hour_of_send(shop: Shop) -> None:
    tell(shop, "Visited")
    run(shop, "visit", "offer")
    (item,) = shop.items("MESSAGE#")
    message = item["sk"]["S"].removeprefix("MESSAGE#")
    for kind in ("send", "bounce.permanent", "send", "bounce.permanent"):
        assert record_ses_events(ses_event(message, kind, shop)) == []
    decided = datetime.fromisoformat(item["decided_at"]["S"])
    assert tallies(shop) == [HourlyCount(hour_of(decided), sent=1, bounced=1)]


def test_stopped_marketing_waits_until_resume(shop: Shop, printed: Printed) -> None:
    stop(shop)
    tell(shop, "Visited")
    run(shop, "visit", "offer")
    assert shop.cloud.post.sent == []
    (enrollment,) = shop.items("ENROLLMENT#")
    assert enrollment["timer_bucket"]["S"].startswith(f"PAUSED#{shop.store}#visit#")
    assert main(["resume", shop.store, "--stack", STACK]) == 2
    assert main(["resume", shop.store, "--stack", STACK, "--why", "list cleaned"]) == 0
    head = publishing.publisher().publications.head(shop.store)
    assert head.breaker is None and head.resumed
    (record,) = (
        item
        for item in shop.cloud.dynamodb.scan(TableName=ENVIRONMENT["MILEPOST_WORKFLOWS_TABLE"])[
            "Items"
        ]
        if item["sk"]["S"].startswith("BREAKER#")
    )
    assert record["reason"]["S"] == "list cleaned"
    assert record["by"]["S"].startswith("arn:aws:")
    works = [work for work in runtime.version_rollout().works.open() if work.store == shop.store]
    assert [(work.kind, work.workflow) for work in works] == [("resume", "visit")]
    assert main(["resume", shop.store, "--stack", STACK, "--why", "again"]) == 0


@pytest.mark.parametrize(
    ("store", "stack_name", "said"),
    [("nobody", STACK, "there is no store 'nobody'"), ("demo", "other", "there is no stack")],
)
def test_wrong_resume_call_names_the_error(
    capsys: pytest.CaptureFixture[str], store: str, stack_name: str, said: str
) -> None:
    assert main(["resume", store, "--stack", stack_name, "--why", "x"]) == 2
    assert said in capsys.readouterr().err
