"""Compiles a program to Amazon States Language, with few states: every entered state is billed.

One Task per block, one Wait per delay, one Task with a task token per `wait_for`, and a Choice only
after a block with several exits. It uses JSONPath, so that every interpreter can run it.

A program becomes two state machines: the normal one begins at the first block, the other (`resume`)
with a Choice among all blocks, so that a later execution can begin at any block.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, assert_never

from milepost.enrollments.blocks import Block, blocks
from milepost.enrollments.enrollment import suspends
from milepost.enrollments.program import (
    END,
    Node,
    Program,
    Wait,
    flow_of,
    is_wait,
    timed_out_at,
    woken_at,
)

NAME_LIMIT = 80
"""Characters in a state's name (Amazon States Language)."""

MAX_OWN_CHOICES = 16
"""The most waits in a block's own Choice. Blocks with more exits share one Choice, because the size
of separate ones would grow with the square of the exits."""

SHARED_CHOICE = "which wait"
"""The name of the shared Choice. No step can have it, because it contains a space."""

_RETRY_TASK = {
    "ErrorEquals": ["States.ALL"],
    "MaxAttempts": 30,
    "MaxDelaySeconds": 3600,
    "JitterStrategy": "FULL",
}
"""Half a day on average, enough to repair a paused account or a missing key. The delays double from
one second (the default of Retry). Every state repeats this, so it is short: a definition may have
1 MB."""

_PAYLOAD = {f"{name}.$": f"$.{name}" for name in ("enrollment", "execution_no", "block_seq")}
_RETRY_TOKEN = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}, _RETRY_TASK]
"""The timeout of a task token is a result, not an error: it is not retried."""


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """The functions that states call. `wire_seconds` turns a duration into Step Functions seconds.

    An enrollment is suspended in waits longer than `suspend_after`.
    """

    run_steps: str
    await_event: str
    wire_seconds: Callable[[timedelta], int] = lambda duration: int(duration.total_seconds())
    suspend_after: timedelta = timedelta(days=30)


def with_suspend_limit(program: Program, wiring: MachineConfig) -> Program:
    """The program with `suspend_after`, the longest wait of its state machine."""
    seconds = int(wiring.suspend_after.total_seconds())
    return replace(program, options={**program.options, "suspend_after": seconds})


def state_machine(program: Program, wiring: MachineConfig, resume: bool = False) -> dict[str, Any]:
    """The state machine definition of a program, in a stable order."""
    layout = Layout(program)
    states: dict[str, Any] = {}
    for block in layout.blocks.values():
        states.update(_run(layout, block, wiring))
    for name, node in program.nodes.items():
        wait = flow_of(node).wait
        if wait is not None and not suspends(program, node):
            states[layout.waits[name]] = _wait(layout, name, node, wait, wiring)
    if shared := [block for block in layout.blocks.values() if len(block.exits) > MAX_OWN_CHOICES]:
        states[SHARED_CHOICE] = _choice(
            layout, dict.fromkeys(exit_ for b in shared for exit_ in b.exits)
        )
    states["abandon"] = _task(wiring, {"abandon.$": "$.error"}) | {"End": True}
    if any(END in block.exits and len(block.exits) > 1 for block in layout.blocks.values()):
        states["all done"] = {"Type": "Succeed"}
    first = layout.runs[program.entry]
    if resume:
        first, title = "resume", f"{program.workflow} version {program.version}, a later execution"
        choices = [
            {"Variable": "$.block", "StringEquals": entry, "Next": run}
            for entry, run in layout.runs.items()
        ]
        states = {first: {"Type": "Choice", "Choices": choices}, **states}
    else:
        title = f"{program.workflow} version {program.version}"
        states = _reached(states, first)
    return {"Comment": title, "StartAt": first, "States": states}


def _reached(states: Mapping[str, Any], first: str) -> dict[str, Any]:
    """The reachable states: Step Functions rejects others, such as those after a suspended wait."""
    reached, pending = set(), [first]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            state = states[name]
            ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
            pending += [way[key] for way in ways for key in ("Next", "Default") if key in way]
    return {name: state for name, state in states.items() if name in reached}


class Layout:
    """The names of all states. They contain the step ids, so that the console shows these."""

    def __init__(self, program: Program) -> None:
        self.blocks = blocks(program)
        self.waits = {name: name for name, node in program.nodes.items() if is_wait(node)}
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


def _run(layout: Layout, block: Block, wiring: MachineConfig) -> dict[str, Any]:
    title = layout.runs[block.entry]
    task = _task(wiring, {"block": block.entry})
    task["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "abandon"}]
    if block.exits == (END,):
        return {title: task | {"End": True}}
    if len(block.exits) == 1:
        return {title: task | {"Next": layout.waits[block.exits[0]]}}
    if len(block.exits) > MAX_OWN_CHOICES:
        return {title: task | {"Next": SHARED_CHOICE}}
    choose = f"after {title.removeprefix('run ')}"
    return {title: task | {"Next": choose}, choose: _choice(layout, block.exits)}


def _choice(layout: Layout, exits: Collection[str]) -> dict[str, Any]:
    choices = [
        {"Variable": "$.next", "StringEquals": name, "Next": layout.waits[name]}
        for name in exits
        if name != END
    ]
    default = {"Default": "all done"} if END in exits else {}
    return {"Type": "Choice", "Choices": choices, **default}


def _task(wiring: MachineConfig, payload: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": wiring.run_steps,
            "Payload": {**_PAYLOAD, **payload},
        },
        "OutputPath": "$.Payload",
        "TimeoutSeconds": 120,
        "Retry": [_RETRY_TASK],
    }


def _wait(
    layout: Layout, name: str, node: Node, wait: Wait, wiring: MachineConfig
) -> dict[str, Any]:
    match wait.state:
        case "timestamp":
            next_ = layout.runs[timed_out_at(node)]
            return {"Type": "Wait", "TimestampPath": "$.until", "Next": next_}
        case "task_token":
            return _await(layout, name, node, wait.bound(node), wiring)
        case _:
            assert_never(wait.state)


def _await(
    layout: Layout, name: str, node: Node, limit: timedelta | None, wiring: MachineConfig
) -> dict[str, Any]:
    if limit is None:
        raise ValueError(f"{name} waits for an event for ever: its Wait needs a bound")
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": wiring.await_event,
            "Payload": {
                **_PAYLOAD,
                "since.$": "$.since",
                "step": name,
                "token.$": "$$.Task.Token",
            },
        },
        "TimeoutSeconds": wiring.wire_seconds(limit),
        "ResultPath": None,
        "Retry": _RETRY_TOKEN,
        "Catch": [
            {
                "ErrorEquals": ["States.Timeout"],
                "ResultPath": None,
                "Next": layout.runs[timed_out_at(node)],
            },
            {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "abandon"},
        ],
        "Next": layout.runs[woken_at(node)],
    }
