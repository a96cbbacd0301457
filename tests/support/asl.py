"""Step Functions as far as Milepost uses it: Amazon States Language on a clock that jumps.

Knows the fields and states that `workflows/compiler/state_machine.py` writes and no others:
`asl_rules.py`
notices a definition that needs more. Counts what AWS would bill.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Literal

from milepost.base import instants
from tests.support.agenda import Agenda

Json = dict[str, Any]
Function = Callable[[Any], Any]

INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_AND_WAIT = f"{INVOKE}.waitForTaskToken"
NOT_CAUGHT_BY_ALL = {"States.Runtime", "States.DataLimitExceeded"}
MOST_DATA = 256 * 1024


@dataclass
class Execution:
    """One execution. `entered` names the states in order; `billed` counts retries too."""

    machine: str
    name: str
    data: Json
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"] = "RUNNING"
    cause: str = ""
    state: str = ""
    entered: list[str] = field(default_factory=list)
    billed: int = 0
    retries: dict[int, int] = field(default_factory=dict)
    started_with: Json = field(default_factory=dict)
    moment: int = 0
    """Grows whenever something is decided, so that what was due before that no longer counts."""


class StepFunctions:
    """Runs executions. `functions` are called at once; what they raise is the task's error."""

    def __init__(
        self,
        agenda: Agenda,
        versions: Mapping[str, Mapping[str, Any]],
        functions: Mapping[str, Function],
        on_failure: Callable[[Execution], None] = lambda _: None,
        seed: int = 0,
    ) -> None:
        self.agenda = agenda
        self.versions = versions
        self.functions = functions
        self.on_failure = on_failure
        self.random = Random(seed)
        self.executions: dict[str, Execution] = {}
        self.tokens: dict[str, tuple[Execution, int]] = {}

    # --- what the API offers ---

    def start(self, machine: str, name: str, document: Mapping[str, Any]) -> None:
        """Start, unless an execution of any version of this machine ever had the name."""
        data = json.loads(json.dumps(document))
        execution = Execution(machine, name, data, started_with=data)
        if self.executions.setdefault(f"{_unversioned(machine)}:{name}", execution) is execution:
            start_at = self.versions[machine]["StartAt"]
            self._later(execution, timedelta(0), lambda: self._enter(execution, start_at))

    def stop(self, machine: str, name: str, cause: str) -> None:
        execution = self.executions.get(f"{machine}:{name}")
        if execution is not None:
            self._close(execution, "ABORTED", cause)

    def succeed(self, token: str) -> None:
        """Wake the task that waits; a token that was decided before is no error here."""
        execution, moment = self.tokens.pop(token, (None, 0))
        if execution is not None and execution.moment == moment:
            execution.moment += 1
            self._later(execution, timedelta(0), lambda: self._result(execution, {}))

    # --- states ---

    def _enter(self, execution: Execution, name: str) -> None:
        execution.moment += 1
        execution.state, execution.retries = name, {}
        execution.entered.append(name)
        execution.billed += 1
        state = self._state(execution)
        if len(json.dumps(execution.data)) > MOST_DATA:
            self._close(execution, "FAILED", "States.DataLimitExceeded")
            return
        match state["Type"]:
            case "Succeed":
                self._close(execution, "SUCCEEDED", "")
            case "Wait":
                due = instants.parse(look_up(state["TimestampPath"], execution.data))
                delay = due - self.agenda.now
                self._later(execution, delay, lambda: self._enter(execution, state["Next"]))
            case "Choice":
                for choice in state["Choices"]:
                    if look_up(choice["Variable"], execution.data) == choice["StringEquals"]:
                        self._enter(execution, choice["Next"])
                        return
                if "Default" in state:
                    self._enter(execution, state["Default"])
                else:
                    self._close(execution, "FAILED", "States.NoChoiceMatched")
            case _:
                self._attempt(execution)

    def _attempt(self, execution: Execution) -> None:
        """Call the function; then go on at once, or with the token, or with the time-out."""
        state, execution.moment = self._state(execution), execution.moment + 1
        moment = execution.moment
        token = f"{execution.name}-{moment}"
        waits = state["Resource"] == INVOKE_AND_WAIT
        if waits:
            self.tokens[token] = (execution, moment)
            limit = timedelta(seconds=state["TimeoutSeconds"])
            self._later(execution, limit, lambda: self._fail(execution, "States.Timeout", ""))
        try:
            call = fill_in(state["Parameters"], execution.data, {"Task": {"Token": token}})
        except KeyError as missing:
            self._fail(execution, "States.ParameterPathFailure", f"Parameters find no {missing}")
            return
        try:
            answer = self.functions[call["FunctionName"]](json.loads(json.dumps(call["Payload"])))
        except BaseException as error:
            if execution.moment == moment:  # not stopped, nor woken, in the meantime
                self._fail(execution, type(error).__name__, str(error))
            return
        if not waits and execution.moment == moment:
            payload = {"Payload": json.loads(json.dumps(answer)), "StatusCode": 200}
            self._result(execution, payload)

    def _result(self, execution: Execution, result: Json) -> None:
        state = self._state(execution)
        try:
            if "ResultSelector" in state:
                result = fill_in(state["ResultSelector"], result, {})
        except KeyError as missing:
            self._fail(execution, "States.Runtime", f"ResultSelector finds no {missing}")
            return
        execution.data = put(execution.data, state.get("ResultPath", "$"), result)
        try:
            execution.data = look_up(state.get("OutputPath", "$"), execution.data)
        except KeyError as missing:
            self._fail(execution, "States.Runtime", f"OutputPath finds no {missing}")
            return
        if state.get("End"):
            self._close(execution, "SUCCEEDED", "")
        else:
            self._enter(execution, state["Next"])

    def _fail(self, execution: Execution, error: str, cause: str) -> None:
        execution.moment += 1
        state = self._state(execution)
        for number, retrier in enumerate(state.get("Retry", ())):
            if _matches(retrier, error):
                used = execution.retries.get(number, 0)
                if used == retrier["MaxAttempts"]:
                    break
                execution.retries[number] = used + 1
                execution.billed += 1
                delay = self._backoff(retrier, used)
                self._later(execution, delay, lambda: self._attempt(execution))
                return
        for catcher in state.get("Catch", ()):
            if _matches(catcher, error):
                found = {"Error": error, "Cause": cause}
                execution.data = put(execution.data, catcher["ResultPath"], found)
                self._enter(execution, catcher["Next"])
                return
        self._close(execution, "FAILED", f"{error}: {cause}")

    def _backoff(self, retrier: Json, used: int) -> timedelta:
        full = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** used
        return timedelta(seconds=self.random.uniform(0, min(full, retrier["MaxDelaySeconds"])))

    def _close(
        self, execution: Execution, status: Literal["SUCCEEDED", "FAILED", "ABORTED"], cause: str
    ) -> None:
        if execution.status == "RUNNING":
            execution.status, execution.cause = status, cause
            execution.moment += 1
            if status == "FAILED":
                self.agenda.after(timedelta(0), lambda: self.on_failure(execution))

    def _state(self, execution: Execution) -> Json:
        state: Json = self.versions[execution.machine]["States"][execution.state]
        return state

    def _later(self, execution: Execution, delay: timedelta, action: Callable[[], None]) -> None:
        moment = execution.moment

        def act() -> None:
            if execution.status == "RUNNING" and execution.moment == moment:
                action()

        self.agenda.after(delay, act)


def _unversioned(machine: str) -> str:
    return machine.rpartition(":")[0]


def _matches(rule: Json, error: str) -> bool:
    names = rule["ErrorEquals"]
    return error in names or ("States.ALL" in names and error not in NOT_CAUGHT_BY_ALL)


# --- data ---


def look_up(path: str, data: Any) -> Any:
    """The value at `$.a.b`; KeyError where there is none."""
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
    changed = deepcopy(data)
    changed[path.removeprefix("$.")] = result
    return changed
