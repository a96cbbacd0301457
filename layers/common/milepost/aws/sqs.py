"""Queues of the stack: what a function has no time for, it asks of itself or of another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


MAX_DELAY = 900


@dataclass(frozen=True, slots=True)
class SqsContinuationQueue:
    """Implements `Requeue`."""

    client: "SQSClient"
    url: str

    def again(self, message: Mapping[str, Any], delay: int = 0) -> None:
        try:
            self.client.send_message(
                QueueUrl=self.url,
                MessageBody=json.dumps(message),
                DelaySeconds=min(delay, MAX_DELAY),
            )
        except ClientError as error:
            raise ThrottledError(f"SQS: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise ThrottledError(f"SQS: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class SqsPrivacyQueue:
    """Implements `Later`. A message names a request and says nothing of anybody."""

    client: "SQSClient"
    queue: str

    def carry_out(self, store: str, id_: str, delay: timedelta = timedelta(0)) -> None:
        seconds = int(delay.total_seconds()) + (1 if delay else 0)
        try:
            self.client.send_message(
                QueueUrl=self.queue,
                MessageBody=json.dumps({"store": store, "request": id_}),
                DelaySeconds=min(seconds, MAX_DELAY),
            )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"SQS: {type(error).__name__}") from error
