"""Interprets Amazon States Language on a virtual clock, as Step Functions does.

It supports only the states and fields that `workflows/compiler/state_machine.py` writes. A test
(`tests/support/asl_rules.py`) finds a definition that needs more. It counts what AWS bills.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from milepost.base import times
from milepost.simulator.virtual_clock import VirtualClock

Json = dict[str, Any]
Definition = Mapping[str, Any]
Function = Callable[[Json], Any]
"""A Lambda function. It must not change its argument, which belongs to the execution."""

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]

INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_AND_WAIT = f"{INVOKE}.waitForTaskToken"

NOT_IN_STATES_ALL = frozenset({"States.Runtime", "States.DataLimitExceeded"})
"""Errors that `States.ALL` does not match (Step Functions, error handling)."""

MAX_DATA = 256 * 1024
"""The largest result of a task in bytes (quotas of Step Functions)."""

NO_TIME = timedelta(0)


@dataclass
class Execution:
    """One execution of a version of a state machine.

    `entered` names the states in order; `billed` counts the transitions, retries included.
    `decisions` grows with every transition and cancels what was scheduled before. `retries` counts
    the retries of the current state by the number of the retrier.
    """

    machine: str
    name: str
    started_with: Json
    data: Json
    status: Status = "RUNNING"
    cause: str = ""
    state: str = ""
    entered: list[str] = field(default_factory=list)
    billed: int = 0
    retries: dict[int, int] = field(default_factory=dict)
    decisions: int = 0


class StateMachineInterpreter:
    """Runs executions. Implements `MemoryExecutions` (`simulator/memory/state_machines.py`).

    `definitions` has the versions of state machines by their ARN. `functions` are called at once,
    by the names in the definitions; an exception is the error of the task. `jitter` returns a
    number from 0 to 1 for each retry, by which the interval is multiplied (`JitterStrategy` FULL).
    `on_failure` is called with failed executions, like an EventBridge rule.
    """

    def __init__(
        self,
        clock: VirtualClock,
        definitions: Mapping[str, Definition],
        functions: Mapping[str, Function],
        *,
        jitter: Callable[[], float],
        on_failure: Callable[[Execution], None] = lambda _: None,
    ) -> None:
        self.clock = clock
        self.definitions = definitions
        self.functions = functions
        self.jitter = jitter
        self.on_failure = on_failure
        self.executions: dict[str, Execution] = {}
        self._tokens: dict[str, tuple[Execution, int]] = {}

    # --- API ---

    def start(self, machine: str, name: str, document: Mapping[str, Any]) -> None:
        """Start, unless an execution of any version of this machine ever had the name."""
        data: Json = json.loads(json.dumps(document))
        execution = Execution(machine, name, data, data)
        if self.executions.setdefault(f"{_unversioned(machine)}:{name}", execution) is execution:
            start_at = self.definitions[machine]["StartAt"]
            self._later(execution, NO_TIME, lambda: self._enter(execution, start_at))

    def stop(self, machine: str, name: str, cause: str) -> None:
        execution = self.executions.get(f"{machine}:{name}")
        if execution is not None:
            self._close(execution, "ABORTED", cause)

    def succeed(self, token: str) -> None:
        """Complete the waiting task. An unknown or used token is no error here."""
        execution, decisions = self._tokens.pop(token, (None, 0))
        if execution is not None and execution.decisions == decisions:
            execution.decisions += 1
            self._later(execution, NO_TIME, lambda: self._succeed(execution, {}))

    # --- states ---

    def _enter(self, execution: Execution, name: str) -> None:
        execution.decisions += 1
        execution.state, execution.retries = name, {}
        execution.entered.append(name)
        execution.billed += 1
        state = self._state(execution)
        match state["Type"]:
            case "Succeed":
                self._close(execution, "SUCCEEDED", "")
            case "Wait":
                due = times.parse_instant(look_up(state["TimestampPath"], execution.data))
                delay = due - self.clock.now
                self._later(execution, delay, lambda: self._enter(execution, state["Next"]))
            case "Choice":
                following = _chosen(state, execution.data)
                if following is None:
                    self._close(execution, "FAILED", "States.NoChoiceMatched")
                else:
                    self._enter(execution, following)
            case _:
                self._attempt(execution)

    def _attempt(self, execution: Execution) -> None:
        """Call the function. Continue at once, on the task token, or on the timeout."""
        execution.decisions += 1
        state, decisions = self._state(execution), execution.decisions
        token = f"{execution.name}-{decisions}"
        waits = state["Resource"] == INVOKE_AND_WAIT
        if waits:
            self._tokens[token] = (execution, decisions)
            limit = timedelta(seconds=state["TimeoutSeconds"])
            self._later(execution, limit, lambda: self._fail(execution, "States.Timeout", ""))
        try:
            call = fill_in(state["Parameters"], execution.data, {"Task": {"Token": token}})
        except KeyError as missing:
            self._fail(execution, "States.ParameterPathFailure", f"Parameters find no {missing}")
            return
        try:
            answer = self.functions[call["FunctionName"]](call["Payload"])
        except Exception as error:
            if execution.decisions == decisions:  # neither stopped nor completed in the meantime
                self._fail(execution, type(error).__name__, str(error))
            return
        if waits or execution.decisions != decisions:
            return
        text = json.dumps(answer)
        if len(text) > MAX_DATA:
            self._fail(execution, "States.DataLimitExceeded", f"more than {MAX_DATA} bytes")
        else:
            self._succeed(execution, {"Payload": json.loads(text), "StatusCode": 200})

    def _succeed(self, execution: Execution, result: Json) -> None:
        state = self._state(execution)
        try:
            if "ResultSelector" in state:
                result = fill_in(state["ResultSelector"], result, {})
        except KeyError as missing:
            self._fail(execution, "States.Runtime", f"ResultSelector finds no {missing}")
            return
        data = put(execution.data, state.get("ResultPath", "$"), result)
        try:
            execution.data = look_up(state.get("OutputPath", "$"), data)
        except KeyError as missing:
            self._fail(execution, "States.Runtime", f"OutputPath finds no {missing}")
            return
        if state.get("End"):
            self._close(execution, "SUCCEEDED", "")
        else:
            self._enter(execution, state["Next"])

    def _fail(self, execution: Execution, error: str, cause: str) -> None:
        execution.decisions += 1
        state = self._state(execution)
        for number, retrier in enumerate(state.get("Retry", ())):
            if _matches(retrier, error):
                used = execution.retries.get(number, 0)
                if used == retrier["MaxAttempts"]:
                    break
                execution.retries[number] = used + 1
                execution.billed += 1
                delay = _interval(retrier, used) * self.jitter()
                self._later(execution, delay, lambda: self._attempt(execution))
                return
        for catcher in state.get("Catch", ()):
            if _matches(catcher, error):
                found = {"Error": error, "Cause": cause}
                execution.data = put(execution.data, catcher["ResultPath"], found)
                self._enter(execution, catcher["Next"])
                return
        self._close(execution, "FAILED", f"{error}: {cause}")

    def _close(self, execution: Execution, status: Status, cause: str) -> None:
        if execution.status == "RUNNING":
            execution.status, execution.cause = status, cause
            execution.decisions += 1
            if status == "FAILED":
                self.clock.after(NO_TIME, lambda: self.on_failure(execution))

    def _state(self, execution: Execution) -> Json:
        state: Json = self.definitions[execution.machine]["States"][execution.state]
        return state

    def _later(self, execution: Execution, delay: timedelta, action: Callable[[], None]) -> None:
        """Do something after a delay, unless the execution has moved on by then."""
        decisions = execution.decisions

        def act() -> None:
            if execution.status == "RUNNING" and execution.decisions == decisions:
                action()

        self.clock.after(delay, act)


def _unversioned(machine: str) -> str:
    return machine.rpartition(":")[0]


def _chosen(state: Json, data: Json) -> str | None:
    """The next state of a Choice, or None."""
    for choice in state["Choices"]:
        if look_up(choice["Variable"], data) == choice["StringEquals"]:
            return str(choice["Next"])
    default: str | None = state.get("Default")
    return default


def _matches(rule: Json, error: str) -> bool:
    names = rule["ErrorEquals"]
    return error in names or ("States.ALL" in names and error not in NOT_IN_STATES_ALL)


def _interval(retrier: Json, used: int) -> timedelta:
    """The longest interval before a retry, after `used` earlier retries."""
    full = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** used
    return timedelta(seconds=min(full, retrier["MaxDelaySeconds"]))


# --- data: values are never changed in place, so states can share them without copies ---


def look_up(path: str, data: Any) -> Any:
    """The value at `$.a.b`; KeyError if it is missing."""
    for key in path.split(".")[1:]:
        data = data[key]
    return data


def fill_in(template: Any, data: Any, context: Any) -> Any:
    """Replace every `"x.$": path` by `"x": value`; `$$` paths look into the context object."""
    if not isinstance(template, dict):
        return template
    filled = {}
    for key, value in template.items():
        if not key.endswith(".$"):
            filled[key] = fill_in(value, data, context)
        elif value.startswith("$$"):
            filled[key[:-2]] = look_up(value, context)
        else:
            filled[key[:-2]] = look_up(value, data)
    return filled


def put(data: Json, path: str | None, result: Json) -> Json:
    """What ResultPath does: null keeps the input, `$` replaces it, `$.x` adds to it."""
    if path is None:
        return data
    if path == "$":
        return result
    return {**data, path.removeprefix("$."): result}
