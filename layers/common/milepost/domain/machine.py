"""From a program to Amazon States Language: few states, because every one entered is billed.

One Task per block, one Wait per delay, one Task with a token per `wait_for`, and a Choice only
after a block that can stop at more than one place. JSONPath, so that every interpreter runs it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from milepost.domain.durations import parse_duration
from milepost.domain.program import END, Block, Program, blocks, successors, waits

NAME_LIMIT = 80
"""Characters in a state's name (Amazon States Language)."""

_RETRY_TASK = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 2,
    "MaxAttempts": 30,
    "BackoffRate": 2,
    "MaxDelaySeconds": 3600,
    "JitterStrategy": "FULL",
}
"""Half a day on average: by then a paused account or a missing key is mended, and nobody lost."""

_RETRY_TOKEN = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}, _RETRY_TASK]
"""A time-out of the token is an answer, not an error: it must not be tried again."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the states call. `wire_seconds` turns a duration into seconds of Step Functions."""

    run_steps: str
    await_event: str
    wire_seconds: Callable[[timedelta], int] = lambda duration: int(duration.total_seconds())


def machine(program: Program, wiring: Wiring) -> dict[str, Any]:
    """The state machine definition of a program, in a stable order."""
    layout = _Layout(program)
    states: dict[str, Any] = {}
    for block in layout.blocks.values():
        states.update(_run(layout, block, wiring))
    for name, node in program.nodes.items():
        if node["type"] == "delay":
            states[layout.waits[name]] = {
                "Type": "Wait",
                "TimestampPath": "$.until",
                "Next": layout.runs[node["next"]],
            }
        elif node["type"] == "wait_for":
            states[layout.waits[name]] = _await(layout, name, node, wiring)
    states["give up"] = _task(wiring, {"give_up.$": "$.error"}) | {"End": True}
    if any(END in block.exits and len(block.exits) > 1 for block in layout.blocks.values()):
        states["all done"] = {"Type": "Succeed"}
    return {
        "Comment": f"{program.workflow} version {program.version}",
        "StartAt": layout.runs[program.entry],
        "States": states,
    }


class _Layout:
    """Names of all states: they carry the step ids, so that the picture reads like the workflow."""

    def __init__(self, program: Program) -> None:
        self.blocks = blocks(program)
        self.waits = {name: name for name, node in program.nodes.items() if waits(node)}
        self.runs: dict[str, str] = {}
        for block in self.blocks.values():
            title = "run " + " + ".join(block.steps) if block.steps else f"before {block.exits[0]}"
            self.runs[block.entry] = self._unique(title)

    def _unique(self, title: str) -> str:
        short = title if len(title) <= NAME_LIMIT - 4 else title[: NAME_LIMIT - 7] + "..."
        taken = {*self.runs.values(), *self.waits.values()}
        number, name = 1, short
        while name in taken:
            number += 1
            name = f"{short} {number}"
        return name


def _run(layout: _Layout, block: Block, wiring: Wiring) -> dict[str, Any]:
    title = layout.runs[block.entry]
    task = _task(wiring, {"block": block.entry})
    task["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "give up"}]
    if block.exits == (END,):
        return {title: task | {"End": True}}
    if len(block.exits) == 1:
        return {title: task | {"Next": layout.waits[block.exits[0]]}}
    choose = f"after {title.removeprefix('run ')}"
    return {
        title: task | {"Next": choose},
        choose: {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.next", "StringEquals": name, "Next": layout.waits[name]}
                for name in block.exits
                if name != END
            ],
            **({"Default": "all done"} if END in block.exits else {}),
        },
    }


def _task(wiring: Wiring, payload: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": wiring.run_steps,
            "Payload": {"enrollment.$": "$.enrollment", **payload},
        },
        "ResultSelector": {
            "enrollment.$": "$.Payload.enrollment",
            "next.$": "$.Payload.next",
            "since.$": "$.Payload.since",
            "until.$": "$.Payload.until",
        },
        "TimeoutSeconds": 120,
        "Retry": [_RETRY_TASK],
    }


def _await(layout: _Layout, name: str, node: Mapping[str, Any], wiring: Wiring) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": wiring.await_event,
            "Payload": {
                "enrollment.$": "$.enrollment",
                "since.$": "$.since",
                "step": name,
                "token.$": "$$.Task.Token",
            },
        },
        "TimeoutSeconds": wiring.wire_seconds(parse_duration(node["timeout"])),
        "ResultPath": None,
        "Retry": _RETRY_TOKEN,
        "Catch": [
            {
                "ErrorEquals": ["States.Timeout"],
                "ResultPath": None,
                "Next": layout.runs[node["on_timeout"]],
            },
            {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "give up"},
        ],
        "Next": layout.runs[node["on_event"]],
    }


def transitions(program: Program) -> int:
    """Billed state transitions on the longest path: what one enrollment costs at most.

    Counts every state entered, as Step Functions bills a Standard workflow
    (aws.amazon.com/step-functions/pricing). Steps only lead downwards, so one pass from the
    bottom up sees every successor before it is needed.
    """
    layout = _Layout(program)
    from_block: dict[str, int] = {}
    order = {name: number for number, name in enumerate((*program.nodes, END))}
    for entry in sorted(layout.blocks, key=order.__getitem__, reverse=True):
        exits = layout.blocks[entry].exits
        chooses = int(len(exits) > 1)
        ways = [
            chooses if name == END
            else 1 + max(from_block[after] for after in successors(program.nodes[name]))
            for name in exits
        ]  # fmt: skip
        from_block[entry] = 1 + chooses + max(ways)
    return from_block[program.entry]


def longest_stay(program: Program) -> timedelta:
    """How long one enrollment can last: an execution of Step Functions ends after a year.

    Times of day and weekdays after a delay are counted as a week.
    """
    left: dict[str, timedelta] = {END: timedelta()}
    for name, node in reversed(list(program.nodes.items())):
        after = max(left[following] for following in successors(node))
        if node["type"] == "delay":
            after += parse_duration(node.get("for") or "0 seconds")
            after += timedelta(days=7) if {"until_time", "on_days"} & node.keys() else timedelta()
        elif node["type"] == "wait_for":
            after += parse_duration(node["timeout"])
        left[name] = after
    return left[program.entry]
