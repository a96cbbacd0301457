"""Send messages to the stack's queues, for work that continues in another function call."""

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
"""Seconds, a limit of SQS."""


@dataclass(frozen=True, slots=True)
class SqsContinuationQueue:
    """Implements `ContinuationQueue`."""

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
    """Implements `PrivacyQueue`. A message names a request and holds no personal data."""

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
