"""Step Functions: run the requested version, and distinguish a failed call from a waiting one.

AWS, and in brackets what unmodified MiniStack does:
- a start by a version's ARN runs that version, and an update does not change running executions
(uses the definition as it is 0.15 s after the start);
- the same name and input, while running, is the same execution (ExecutionAlreadyExists);
- a Lambda error fails the `.waitForTaskToken` state, which may retry it (waits for the time-out);
- a task token accepts one answer (a second answer within a moment replaces the first).
"""

import threading
from collections import OrderedDict
from types import FunctionType
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
)
from ministack.services import stepfunctions as engine

REMEMBERED = 100_000

_pinned: dict[str, str] = {}
_token_machines: OrderedDict[str, str] = OrderedDict()
_token_lock = threading.Lock()
_thread = threading.local()


class TaskTokens(AccountRegionScopedDict):  # type: ignore[misc]
    """The engine's open task tokens. Remembers the state machine of each token, even after its
    use."""

    def __setitem__(self, token: str, waiting: Any) -> None:
        machine = getattr(_thread, "machine", None)
        with _token_lock:
            if machine:
                _token_machines[token] = machine
            while len(_token_machines) > REMEMBERED:
                _token_machines.popitem(last=False)
        super().__setitem__(token, waiting)


class Pinned:
    """The engine's state machines; one of them keeps the definition with which an execution
    started."""

    def __init__(self, machines: Any, definition: str) -> None:
        self._machines = machines
        self._definition = definition

    def get(self, arn: str) -> Any:
        machine = self._machines.get(arn)
        return machine and {**machine, "definition": self._definition}


def machine_of_token(token: str) -> str | None:
    """The ARN of the state machine that created a task token; None for an unknown token."""
    return _token_machines.get(token)


def apply() -> None:
    """Wrap the engine's functions. Raises AttributeError if one of them does not exist."""
    start, run, answer = engine._start_execution, engine._run_execution, engine._send_task_success
    wait_for_callback, call_lambda = engine._invoke_with_callback, engine._call_lambda

    def start_execution(request: dict[str, Any]) -> Any:
        named = {**request, "name": request.get("name") or new_uuid()}
        requested = str(named.get("stateMachineArn", ""))
        version = engine._state_machine_versions.get(requested)
        machine = version or engine._state_machines.get(requested)
        base = version["stateMachineArn"] if version else requested
        execution = (
            f"arn:aws:states:{get_region()}:{get_account_id()}:execution:"
            f"{base.rpartition(':')[2]}:{named['name']}"
        )
        running = engine._executions.get(execution)
        if running and running["status"] == "RUNNING":
            if running["input"] == named.get("input", "{}"):
                return json_response({"executionArn": execution, "startDate": running["startDate"]})
        elif machine and not running:
            _pinned[execution] = machine["definition"]
        return start(named)

    def run_execution(execution: str) -> None:
        definition = _pinned.pop(execution, None)
        record = engine._executions.get(execution)
        if record:
            _thread.machine = record["stateMachineArn"]
        if definition is None:
            run(execution)
        else:
            machines = Pinned(engine._state_machines, definition)
            with_globals(run, _state_machines=machines)(execution)

    def invoke_with_callback(resource: str, given: Any, token: str, state: Any) -> Any:
        def call(function: str, event: Any) -> Any:
            try:
                return call_lambda(function, event)
            except engine._ExecutionError as error:
                waiting = engine._task_tokens.get(token)
                if waiting:
                    waiting["error"] = {"Error": error.error, "Cause": error.cause}
                    waiting["event"].set()
                raise

        return with_globals(wait_for_callback, _call_lambda=call)(resource, given, token, state)

    def send_task_success(request: dict[str, Any]) -> Any:
        with _token_lock:
            waiting = engine._task_tokens.get(request.get("taskToken"))
            if waiting and waiting["event"].is_set():
                return error_response_json("TaskDoesNotExist", "Task token not found", 400)
            return answer(request)

    engine._task_tokens = TaskTokens()
    engine._start_execution = start_execution
    engine._run_execution = run_execution
    engine._invoke_with_callback = invoke_with_callback
    engine._send_task_success = send_task_success


def with_globals(function: Any, **names: Any) -> FunctionType:
    """A copy of the function that sees other objects under some of its module's global names."""
    return FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
