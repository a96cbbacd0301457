"""The demonstration's story, end to end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.demo.cast import CART, CAST, WELCOME
from tests.stack.conftest import Deployed

pytestmark = pytest.mark.stack


def test_the_story_comes_out_as_told(deployed: Deployed) -> None:
    assert deployed.story.differences() == []


def test_every_decision_is_in_exactly_one_column(deployed: Deployed) -> None:
    for workflow in (CART, WELCOME):
        for step, counts in deployed.ledger.numbers(workflow).steps.items():
            columns = counts.sent + counts.skipped + counts.failed + counts.unknown
            assert columns == counts.decided, step
            assert counts.unknown == 0, step


def test_nothing_ended_in_a_dead_letter_queue(deployed: Deployed) -> None:
    clients, outputs = deployed.stack.aws, deployed.stack.outputs
    queues = [url for name, url in outputs.items() if name.endswith("DeadLettersUrl")]
    assert queues
    for queue in queues:
        attributes = clients.sqs.get_queue_attributes(
            QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0", queue


def test_no_machine_failed(deployed: Deployed) -> None:
    for status in _executions(deployed, "status"):
        assert status in {"SUCCEEDED", "ABORTED"}


def test_nothing_personal_is_in_logs_tags_or_executions(deployed: Deployed) -> None:
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
