import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError
from milepost.base.names import state_machine_name
from milepost.runtime.aws import _name

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient


@dataclass(frozen=True, slots=True)
class StepFunctionsStateMachines:
    """Implements `StateMachines`."""

    client: "SFNClient"
    machines: str
    role: str

    def publish(self, store: str, workflow: str, definition: Mapping[str, Any]) -> str:
        try:
            return self._publish(
                self.machines + state_machine_name(store, workflow),
                json.dumps(definition, separators=(",", ":")),
            )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(_name(error)) from error

    def _publish(self, arn: str, definition: str) -> str:
        try:
            self.client.describe_state_machine(stateMachineArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] != "StateMachineDoesNotExist":
                raise
            created = self.client.create_state_machine(
                name=arn.rpartition(":")[2],
                definition=definition,
                roleArn=self.role,
                type="STANDARD",
                publish=True,
            )
            return created["stateMachineVersionArn"]
        updated = self.client.update_state_machine(
            stateMachineArn=arn, definition=definition, roleArn=self.role, publish=True
        )
        return updated["stateMachineVersionArn"]
