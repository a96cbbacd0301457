"""Calls to functions of our own stack."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.domain.refs import EnrollmentRef
from milepost.ports.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient


@dataclass(frozen=True, slots=True)
class LambdaResender:
    """Implements `Resender`: only `run_steps` may call SES, so it is asked to."""

    client: "LambdaClient"
    run_steps: str

    def send_again(self, enrollment: EnrollmentRef, step: str, turn: int) -> bool:
        task = {"enrollment": enrollment.to_json(), "again": step, "turn": turn}
        payload = json.dumps(task).encode()
        try:
            answer = self.client.invoke(FunctionName=self.run_steps, Payload=payload)
        except (ClientError, BotoCoreError) as error:
            raise Busy(f"run_steps could not be called: {type(error).__name__}") from error
        if answer.get("FunctionError"):
            raise Busy("run_steps failed: the next minute tries again")
        return bool(json.loads(answer["Payload"].read()).get("next") != "paused")
