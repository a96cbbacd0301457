"""Calls to functions of our own stack.

State machines: starting, stopping and waking enrollments, publishing versions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError
from milepost.base.names import state_machine_name
from milepost.base.refs import EnrollmentRef
from milepost.enrollments.enrollment import execution_name

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_stepfunctions.client import SFNClient


@dataclass(frozen=True, slots=True)
class LambdaMessageRetrier:
    """Implements `Resender`: only `run_steps` may call SES, so it is asked to."""

    client: "LambdaClient"
    run_steps: str

    def retry_message(self, enrollment: EnrollmentRef, step: str, turn: int) -> bool:
        task = {"enrollment": enrollment.to_json(), "retry_step": step, "block_seq": turn}
        payload = json.dumps(task).encode()
        try:
            answer = self.client.invoke(FunctionName=self.run_steps, Payload=payload)
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(
                f"run_steps could not be called: {type(error).__name__}"
            ) from error
        if answer.get("FunctionError"):
            raise ThrottledError("run_steps failed: the next minute tries again")
        return bool(json.loads(answer["Payload"].read()).get("next") != "paused")


_DECIDED = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""Three names for one thing: this wait was decided before. Which of them depends on who answers."""


@dataclass(frozen=True, slots=True)
class StepFunctionsEngine:
    """Implements `Engine`. `machines` is the ARN that the names of this stack's machines follow."""

    client: "SFNClient"
    machines: str

    def start(
        self, machine: str, ref: EnrollmentRef, leg: int = 0, turn: int = 0, block: str = ""
    ) -> None:
        document = json.dumps(first_state(ref, leg, turn, block), sort_keys=True)
        name = execution_name(ref, leg)
        try:
            self.client.start_execution(stateMachineArn=machine, name=name, input=document)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise ThrottledError(_name(error)) from error
        except BotoCoreError as error:
            raise ThrottledError(_name(error)) from error

    def stop(self, ref: EnrollmentRef, reason: str, leg: int = 0) -> None:
        machine = self.machines + state_machine_name(ref.store, ref.workflow)
        name = execution_name(ref, leg)
        execution = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            self.client.stop_execution(executionArn=execution, error="Left", cause=reason)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise ThrottledError(_name(error)) from error
        except BotoCoreError as error:
            raise ThrottledError(_name(error)) from error

    def complete_task(self, token: str) -> None:
        try:
            self.client.send_task_success(taskToken=token, output="{}")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DECIDED:
                raise ThrottledError(_name(error)) from error
        except BotoCoreError as error:
            raise ThrottledError(_name(error)) from error


@dataclass(frozen=True, slots=True)
class StepFunctionsBackfill:
    """Implements `LookStarter` by the machine that looks at all contacts."""

    client: "SFNClient"
    machine: str

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        document = json.dumps(order, sort_keys=True)
        try:
            self.client.start_execution(stateMachineArn=self.machine, name=run, input=document)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise ThrottledError(_name(error)) from error
        except BotoCoreError as error:
            raise ThrottledError(_name(error)) from error


def first_state(ref: EnrollmentRef, leg: int, turn: int, block: str) -> dict[str, Any]:
    """What a leg's execution begins with; only that of a later leg is told where."""
    where = {"block": block} if block else {}
    return {"enrollment": ref.to_json(), "execution_no": leg, "block_seq": turn, **where}


def _name(error: Exception) -> str:
    if isinstance(error, ClientError):
        return f"Step Functions: {error.response['Error']['Code']}"
    return f"Step Functions: {type(error).__name__}"
