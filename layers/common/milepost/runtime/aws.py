"""Calls to Lambda functions and state machines of this stack."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef, state_machine_name
from milepost.enrollments.enrollment import execution_name

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_stepfunctions.client import SFNClient


@dataclass(frozen=True, slots=True)
class LambdaMessageRetrier:
    """Implements `MessageRetrier` by a call of `run_steps`, the only function that may call SES."""

    client: "LambdaClient"
    run_steps: str

    def retry_message(self, enrollment: EnrollmentRef, step: str, block_seq: int) -> bool:
        task = {"enrollment": enrollment.to_json(), "retry_step": step, "block_seq": block_seq}
        payload = json.dumps(task).encode()
        try:
            answer = self.client.invoke(FunctionName=self.run_steps, Payload=payload)
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(
                f"run_steps could not be called: {type(error).__name__}"
            ) from error
        if answer.get("FunctionError"):
            raise ThrottledError("run_steps failed: the next run of the scheduler retries")
        return bool(json.loads(answer["Payload"].read()).get("next") != "paused")


_WAIT_ENDED = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
"""The errors that mean that the wait has ended. Which one comes depends on the server."""


@dataclass(frozen=True, slots=True)
class StepFunctionsEngine:
    """Implements `ExecutionEngine`. `machines` is the ARN prefix of this stack's state machines."""

    client: "SFNClient"
    machines: str

    def start(
        self,
        machine: str,
        ref: EnrollmentRef,
        execution_no: int = 0,
        block_seq: int = 0,
        block: str = "",
    ) -> None:
        document = json.dumps(first_state(ref, execution_no, block_seq, block), sort_keys=True)
        name = execution_name(ref, execution_no)
        with _ignoring("ExecutionAlreadyExists"):
            self.client.start_execution(stateMachineArn=machine, name=name, input=document)

    def stop(self, ref: EnrollmentRef, reason: str, execution_no: int = 0) -> None:
        machine = self.machines + state_machine_name(ref.store, ref.workflow)
        name = execution_name(ref, execution_no)
        execution = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        with _ignoring("ExecutionDoesNotExist"):
            self.client.stop_execution(executionArn=execution, error="Left", cause=reason)

    def complete_task(self, token: str) -> None:
        with _ignoring(*_WAIT_ENDED):
            self.client.send_task_success(taskToken=token, output="{}")


@dataclass(frozen=True, slots=True)
class StepFunctionsBackfill:
    """Implements `BackfillStarter` with the state machine of backfills."""

    client: "SFNClient"
    machine: str

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        document = json.dumps(order, sort_keys=True)
        with _ignoring("ExecutionAlreadyExists"):
            self.client.start_execution(stateMachineArn=self.machine, name=run, input=document)


def first_state(
    ref: EnrollmentRef, execution_no: int, block_seq: int, block: str
) -> dict[str, Any]:
    """The input of an execution; that of a later one names its block."""
    where = {"block": block} if block else {}
    return {
        "enrollment": ref.to_json(),
        "execution_no": execution_no,
        "block_seq": block_seq,
        **where,
    }


@contextmanager
def _ignoring(*codes: str) -> Iterator[None]:
    """Ignore these errors of Step Functions. Raise `ThrottledError` for all others."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise ThrottledError(_name(error)) from error
    except BotoCoreError as error:
        raise ThrottledError(_name(error)) from error


def _name(error: Exception) -> str:
    if isinstance(error, ClientError):
        return f"Step Functions: {error.response['Error']['Code']}"
    return f"Step Functions: {type(error).__name__}"
