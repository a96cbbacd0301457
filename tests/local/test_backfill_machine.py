"""The template's backfill state machine on the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

from tests.local.test_emulator import allow, output
from tests.support.template import TEMPLATE

if TYPE_CHECKING:
    from tests.local.conftest import Account


# Partition 2 needs three calls; partition 3 fails in the first pass.
LOOK = """
import os, boto3
def handler(task, context):
    seen = int(os.environ.get("SEEN", "0"))
    if "item" in task:
        part, place = task["item"]["part"], task.get("place", 0)
        if part == 3 and task["request"]["round"] == 0:
            raise RuntimeError("cannot")
        return {**task, "place": place + 1, "next": "more" if part == 2 and place < 2 else "done"}
    if task["round"] == 0:
        left = [item for item in task["items"] if item["part"] == 3]
        order = {**task["request"], "round": 1}
        return {"request": order, "items": left, "round": 1, "next": "next pass"}
    return {**task, "next": "failed" if task["request"].get("hopeless") else "done"}
"""


def definition(function: str) -> str:
    """The definition with the function's ARN and without its wait time."""
    machine = yaml_parse(TEMPLATE.read_text())["Resources"]["BackfillStateMachine"]["Properties"]
    states: dict[str, Any] = machine["Definition"]["States"]
    states["a pause"]["Seconds"] = 0
    batch = states["all partitions"]["ItemProcessor"]["States"]["a batch"]
    for task in (batch, states["remaining partitions"]):
        task["Parameters"]["FunctionName"] = function
        task["Retry"][0]["MaxAttempts"] = 0
    return json.dumps(machine["Definition"])


def look(account: Account, name: str, **order: Any) -> dict[str, Any]:
    function = account.function(name, LOOK)
    role = account.role(f"{name}-machine", allow("lambda:InvokeFunction", function))
    sfn = account.aws.stepfunctions
    machine = sfn.create_state_machine(name=name, definition=definition(function), roleArn=role)
    items = [{"group": "all", "name": "", "part": part} for part in range(4)]
    begin = {"request": {"round": 0, **order}, "items": items, "round": 0}
    arn = machine["stateMachineArn"]
    made = sfn.start_execution(stateMachineArn=arn, name="run", input=json.dumps(begin))
    return output(account, made["executionArn"])


def test_failed_partition_is_retried_and_stops_no_other(account: Account) -> None:
    ended = look(account, "looks")
    assert ended["status"] == "SUCCEEDED"
    assert [item["part"] for item in ended["output"]["items"]] == [3]


def test_partitions_that_fail_every_pass_fail_the_execution(account: Account) -> None:
    assert look(account, "hopeless", hopeless=True)["status"] == "FAILED"
