"""Work for another function of the stack, through a queue."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.ports import Busy

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

LONGEST = timedelta(minutes=15)
"""SQS delays no message for longer."""


@dataclass(frozen=True, slots=True)
class SqsLater:
    """Implements `Later`. A message names a request and says nothing of anybody."""

    client: "SQSClient"
    queue: str

    def carry_out(self, store: str, id_: str, delay: timedelta = timedelta(0)) -> None:
        seconds = int(min(delay, LONGEST).total_seconds()) + (1 if delay else 0)
        try:
            self.client.send_message(
                QueueUrl=self.queue,
                MessageBody=json.dumps({"store": store, "request": id_}),
                DelaySeconds=min(seconds, 900),
            )
        except (ClientError, BotoCoreError) as error:
            raise Busy(f"SQS: {type(error).__name__}") from error
