"""The deployed template after the demo: its data and its answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from local.demo.shoppers import CART, CAST, STORE, WELCOME
from milepost.base.signatures import sign_body
from tests.stack.conftest import Deployed
from tests.support.waiting import until

pytestmark = pytest.mark.stack


def test_demo_results_match_expectations(deployed: Deployed) -> None:
    assert deployed.story.differences() == []


def test_every_decision_is_counted_exactly_once(deployed: Deployed) -> None:
    for workflow in (CART, WELCOME):
        for step, counts in deployed.ledger.numbers(workflow).steps.items():
            columns = counts.sent + counts.skipped + counts.failed + counts.unknown
            assert columns == counts.decided, step
            assert counts.unknown == 0, step


def test_changed_workflows_are_counted_at_night_and_add_up(deployed: Deployed) -> None:
    """A night passes every 24 seconds. The functions that mark and count have the permissions."""

    def counted() -> set[str]:
        lines = [json.loads(text) for text in _logs(deployed) if "workflow counted" in text]
        return {line["workflow"] for line in lines if line["decided"]}

    until(lambda: {CART, WELCOME} <= counted(), "both workflows to be counted", 90)
    assert [text for text in _logs(deployed) if "do not add up" in text] == []


def test_dead_letter_queues_are_empty(deployed: Deployed) -> None:
    clients, outputs = deployed.stack.aws, deployed.stack.outputs
    queues = [url for name, url in outputs.items() if name.endswith("DeadLettersUrl")]
    assert queues
    for queue in queues:
        attributes = clients.sqs.get_queue_attributes(
            QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0", queue


def test_no_execution_failed(deployed: Deployed) -> None:
    for status in _executions(deployed, "status"):
        assert status in {"SUCCEEDED", "ABORTED"}


def test_logs_tags_and_executions_contain_no_personal_data(deployed: Deployed) -> None:
    written = [*_logs(deployed), *_executions(deployed, "input"), *_executions(deployed, "name")]
    for shopper in CAST:
        for mail in deployed.story.inbox.mails_of(shopper):
            written.append(json.dumps(mail["tags"]))
    assert len(written) > 50
    for shopper in CAST:
        local_part = shopper.email.partition("@")[0]
        for text in written:
            assert local_part not in text
            assert shopper.family not in text


def _logs(deployed: Deployed) -> Iterator[str]:
    logs: Any = deployed.stack.aws.client("logs")
    group = deployed.stack.outputs["FunctionLogsName"]
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
        for stream in page["logStreams"]:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
            yield from (event["message"] for event in events["events"])


def _executions(deployed: Deployed, field: str) -> Iterator[str]:
    machines = deployed.stack.aws.stepfunctions
    for machine in machines.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        for execution in machines.list_executions(stateMachineArn=arn)["executions"]:
            found: Any = machines.describe_execution(executionArn=execution["executionArn"])
            yield str(found[field])


# --- answers of the API ---


def _post(deployed: Deployed, body: bytes, headers: dict[str, str], store: str = STORE) -> Any:
    address = f"{deployed.stack.api_url}/v1/{store}/events"
    return httpx.post(address, content=body, headers=headers, timeout=30)


def _event(deployed: Deployed, **changes: Any) -> bytes:
    event = {
        "id": "page-1",
        "event": "Product Viewed",
        "occurred_at": deployed.now().isoformat(),
        "contact": {"external_id": "u-1"},
    }
    return json.dumps({**event, **changes}).encode()


def test_signed_event_is_accepted_once(deployed: Deployed) -> None:
    body = _event(deployed)
    headers = {
        "milepost-signature": sign_body(body, deployed.secrets.signing_key, datetime.now(UTC))
    }
    assert _post(deployed, body, headers).status_code == 202
    assert _post(deployed, body, headers).json()["status"] == "duplicate"


def test_arabic_batch_keeps_text_and_valid_items(deployed: Deployed) -> None:
    good = json.loads(_event(deployed, id="page-2", properties={"name": "مصباح"}))
    body = json.dumps({"batch": [good, {"event": "x"}]}, ensure_ascii=False).encode()
    headers = {
        "milepost-signature": sign_body(body, deployed.secrets.signing_key, datetime.now(UTC))
    }
    answer = _post(deployed, body, headers)
    assert answer.status_code == 207
    assert [result["status"] for result in answer.json()["results"]] == ["accepted", "refused"]


@pytest.mark.parametrize(
    ("age", "key", "code"),
    [
        (timedelta(minutes=6), None, "old_signature"),
        (timedelta(), "another key", "bad_signature"),
    ],
)
def test_old_or_foreign_signature_is_refused(
    deployed: Deployed, age: timedelta, key: str | None, code: str
) -> None:
    body = _event(deployed)
    signature = sign_body(body, key or deployed.secrets.signing_key, datetime.now(UTC) - age)
    answer = _post(deployed, body, {"milepost-signature": signature})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == code


def test_unknown_store_is_refused(deployed: Deployed) -> None:
    body = _event(deployed)
    headers = {
        "milepost-signature": sign_body(body, deployed.secrets.signing_key, datetime.now(UTC))
    }
    assert _post(deployed, body, headers, store="nobody").status_code == 404


def test_get_of_unsubscribe_link_changes_nothing(deployed: Deployed) -> None:
    dara = next(shopper for shopper in CAST if shopper.name == "Dara")
    mail = deployed.story.inbox.mails_of(dara)[0]
    link = deployed.story.inbox.link_of(mail, "/unsubscribe/")
    page = httpx.get(link, timeout=30)
    assert page.status_code == 200
    assert 'dir="rtl"' in page.text
    profile = next(item for item in deployed.ledger.life(dara) if item["sk"] == "PROFILE")
    assert profile["consent:offers"]["state"] == "granted"


def test_broken_file_keeps_live_version_and_gets_report(deployed: Deployed) -> None:
    clients, bucket = deployed.stack.aws, deployed.stack.outputs["BucketName"]
    before = deployed.head().workflows[CART]
    key, report = f"{STORE}/workflows/{CART}.json", f"{STORE}/reports/workflows.{CART}.report.json"
    whole = clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def problems() -> bytes:
        return bytes(clients.s3.get_object(Bucket=bucket, Key=report)["Body"].read())

    def outcome() -> str:
        return str(json.loads(problems())["outcome"])

    clients.s3.put_object(Bucket=bucket, Key=key, Body=whole.replace(b'"1 hour"', b'"a while"'))
    until(lambda: outcome() == "refused", "the report of the broken file")
    assert json.loads(problems())["problems"][0]["location"] == "steps[0].for"
    assert deployed.head().workflows[CART] == before

    clients.s3.put_object(Bucket=bucket, Key=key, Body=whole.replace(b'"1 hour"', b'"2 hours"'))
    until(lambda: b"tests/" in problems(), "the report of the workflow that fails its own tests")
    assert deployed.head().workflows[CART] == before

    changed = whole.replace(b'"Abandoned cart"', b'"Carts left behind"')
    clients.s3.put_object(Bucket=bucket, Key=key, Body=changed)
    until(lambda: outcome() == "published", "the mended file to go live")
    page = clients.s3.get_object(Bucket=bucket, Key=report.replace(".json", ".md"))["Body"].read()
    assert b"```mermaid" in page
    assert "Its `title` was **Abandoned cart**" in page.decode()
    after = deployed.head().workflows[CART]
    assert after.version == before.version + 1
    assert after.machine != before.machine
