"""Tests of the state machine interpreter, on which all journeys depend."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from milepost.simulator.interpreter import (
    INVOKE,
    INVOKE_AND_WAIT,
    MAX_DATA,
    Execution,
    StateMachineInterpreter,
)
from milepost.simulator.virtual_clock import VirtualClock
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.compiler.state_machine import MachineConfig, state_machine
from milepost.workflows.language.workflow import Workflow
from tests.support.asl_rules import problems
from tests.support.builders import MONDAY_NOON, Json, branch, delay, send, wait_for, workflow

BIG = {"event": "total", "gte": 100}
COMPILED = state_machine(
    build_program(
        "any",
        1,
        Workflow.model_validate(
            workflow(
                send("a"),
                branch("b", BIG, [delay("1 day")], [wait_for("w", "Replied", "2 days")]),
                send("c"),
            )
        ),
    ),
    MachineConfig("run_steps", "await_event"),
)
RETRY = [
    {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 2,
        "MaxAttempts": 3,
        "BackoffRate": 2,
        "MaxDelaySeconds": 5,
        "JitterStrategy": "FULL",
    }
]
NO_RETRY = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}, *RETRY]


def task(**changes: Any) -> Json:
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "TimeoutSeconds": 10,
        "Retry": RETRY,
        "Parameters": {"FunctionName": "f", "Payload": {"x.$": "$.x", "y": 1}},
        "ResultSelector": {"x.$": "$.Payload.x"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "caught"}],
        "Next": "done",
        **changes,
    }


def waiting() -> Json:
    late = {"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "late"}
    state = task(
        Resource=INVOKE_AND_WAIT,
        Retry=NO_RETRY,
        ResultPath=None,
        TimeoutSeconds=60,
        Parameters={"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        Catch=[late, *task()["Catch"]],
    )
    del state["ResultSelector"]
    return state


DONE = {"done": {"Type": "Succeed"}, "caught": {"Type": "Succeed"}, "late": {"Type": "Succeed"}}


class Run:
    """One execution of a state machine with one task. Its function returns or raises `answers`."""

    def __init__(self, state: Json, *answers: Any) -> None:
        self.clock = VirtualClock(MONDAY_NOON)
        self.calls: list[Any] = []
        self.called_at: list[timedelta] = []
        self.answers = list(answers)
        definition = {"StartAt": "first", "States": {"first": state, **DONE}}
        self.service = StateMachineInterpreter(
            self.clock, {"arn:m:1": definition}, {"f": self.function}, jitter=lambda: 1.0
        )
        self.start()

    def start(self, machine: str = "arn:m:1") -> None:
        self.service.start(machine, "name", {"x": 1})

    def function(self, payload: Any) -> Any:
        self.calls.append(payload)
        self.called_at.append(self.clock.now - MONDAY_NOON)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def execution(self, **duration: float) -> Execution:
        self.clock.run_until(self.clock.now + timedelta(**duration))
        (only,) = self.service.executions.values()
        return only


def test_task_passes_parameters_and_keeps_selected_result() -> None:
    run = Run(task(), {"x": 2, "more": True})
    execution = run.execution(hours=1)
    assert run.calls == [{"x": 1, "y": 1}]
    assert execution.data == {"x": 2}
    assert (execution.status, execution.entered, execution.billed) == (
        "SUCCEEDED",
        ["first", "done"],
        2,
    )


def test_failed_task_is_retried_and_then_caught() -> None:
    run = Run(task(), *[ValueError("no")] * 9)
    execution = run.execution(hours=1)
    assert len(run.calls) == 4
    assert run.called_at == [timedelta(seconds=waited) for waited in (0, 2, 6, 11)]
    assert execution.entered == ["first", "caught"]
    assert execution.billed == 2 + 3
    assert execution.data == {"x": 1, "error": {"Error": "ValueError", "Cause": "no"}}


def test_retry_interval_is_scaled_by_jitter() -> None:
    run = Run(task(), *[ValueError("no")] * 9)
    run.service.jitter = iter([0.5, 0.0, 1.0]).__next__
    run.execution(hours=1)
    assert run.called_at == [timedelta(seconds=waited) for waited in (0, 1, 1, 6)]


def test_answer_over_the_size_limit_fails_the_execution_uncaught() -> None:
    execution = Run(task(), {"x": "y" * MAX_DATA}).execution(hours=1)
    assert (execution.status, execution.entered) == ("FAILED", ["first"])
    assert execution.cause.startswith("States.DataLimitExceeded")


def test_answer_without_a_selected_field_fails_the_execution_uncaught() -> None:
    execution = Run(task(), {"z": 1}).execution(hours=1)
    assert execution.status == "FAILED"
    assert execution.cause.startswith("States.Runtime")


def test_task_token_ends_the_wait_once() -> None:
    run = Run(waiting())
    assert run.execution(seconds=30).status == "RUNNING"
    token = run.calls[0]["token"]
    for _ in range(2):
        run.service.succeed(token)
    execution = run.execution(seconds=1)
    assert (execution.entered, execution.data) == (["first", "done"], {"x": 1})


def test_task_token_timeout_is_caught_and_not_retried() -> None:
    run = Run(waiting())
    assert run.execution(seconds=59).status == "RUNNING"
    execution = run.execution(seconds=1)
    assert execution.entered == ["first", "late"]
    assert len(run.calls) == 1
    run.service.succeed(run.calls[0]["token"])
    assert run.execution(seconds=9).entered == ["first", "late"]


def test_task_token_of_a_failed_attempt_does_not_end_the_wait() -> None:
    run = Run(waiting(), ValueError("no"))
    run.execution(seconds=10)
    first, second = (call["token"] for call in run.calls)
    run.service.succeed(first)
    assert run.execution(seconds=1).status == "RUNNING"
    run.service.succeed(second)
    assert run.execution(seconds=1).entered == ["first", "done"]


def test_execution_name_is_used_once_across_versions() -> None:
    run = Run(task(), {"x": 2}, {"x": 3})
    run.start()
    run.execution(hours=1)
    run.start()
    assert run.execution(hours=1).data == {"x": 2}
    assert len(run.calls) == 1


def test_stopped_execution_does_nothing_more() -> None:
    run = Run(waiting())
    run.execution(seconds=1)
    run.service.stop("arn:m", "name", "left")
    execution = run.execution(hours=1)
    assert (execution.status, execution.cause, execution.entered) == ("ABORTED", "left", ["first"])
    run.service.stop("arn:m", "nobody", "left")


def test_choice_without_match_fails_the_execution() -> None:
    choice = {"Variable": "$.x", "StringEquals": "a", "Next": "done"}
    execution = Run({"Type": "Choice", "Choices": [choice]}).execution(hours=1)
    assert (execution.status, execution.cause) == ("FAILED", "States.NoChoiceMatched")


def _without(field: str) -> Json:
    return {key: value for key, value in task().items() if key != field}


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        (task(Next="nowhere"), "nothing is called nowhere"),
        (_without("Retry"), "first: has no Retry"),
        (_without("TimeoutSeconds"), "first: has no TimeoutSeconds"),
        (task(TimeoutSeconds=1.5), "first: has no TimeoutSeconds"),
        (_without("Catch"), "first: has no Catch"),
        (task(Resource="arn:aws:states:::dynamodb:putItem"), "first: calls"),
        (task(Retry=[*RETRY, *RETRY]), "first: States.ALL must stand alone and last"),
        (task(End=True), "first: needs either Next or End"),
        (task(QueryLanguage="JSONata"), "first: Task with ['QueryLanguage']"),
    ],
)
def test_definition_that_aws_would_refuse_is_reported(state: Json, complaint: str) -> None:
    found = problems({"StartAt": "first", "States": {"first": state, **DONE}})
    assert any(problem.startswith(complaint) for problem in found), found


def test_compiled_definition_has_no_problems() -> None:
    assert problems(COMPILED) == []


@pytest.mark.parametrize("name", [*COMPILED["States"]])
def test_missing_or_unreachable_state_of_compiled_definition_is_reported(name: str) -> None:
    without, spare = deepcopy(COMPILED), deepcopy(COMPILED)
    del without["States"][name]
    spare["States"]["spare"] = deepcopy(spare["States"][name])
    assert without["StartAt"] == name or problems(without)
    assert "spare: cannot be reached" in problems(spare)
    renamed = {("x" * 81 if n == name else n): s for n, s in COMPILED["States"].items()}
    assert any("longer than 80" in p for p in problems({**COMPILED, "States": renamed}))


@pytest.mark.parametrize("act", ["stop", "wake"])
def test_error_of_a_task_that_was_decided_meanwhile_counts_no_more(act: str) -> None:
    """A function may stop the execution that called it, or wake it, and then fail itself."""
    run = Run(waiting(), None)

    def fails(payload: Json) -> None:
        run.calls.append(payload)
        if act == "stop":
            run.service.stop("arn:m", "name", "left")
        else:
            run.service.succeed(payload["token"])
        raise ValueError("too late")

    run.service.functions = {"f": fails}
    execution = run.execution(hours=1)
    assert len(run.calls) == 1
    assert execution.status == ("ABORTED" if act == "stop" else "SUCCEEDED")
    assert execution.entered == (["first"] if act == "stop" else ["first", "done"])
    assert "error" not in execution.data


def test_clock_never_goes_back_for_an_action_that_is_due_in_the_past() -> None:
    clock = VirtualClock(MONDAY_NOON)
    seen: list[Any] = []
    clock.at(MONDAY_NOON - timedelta(days=1), lambda: seen.append(clock.now))
    clock.run_until(MONDAY_NOON)
    assert seen == [MONDAY_NOON]
