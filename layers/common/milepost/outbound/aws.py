"""Alerts to a store's staff, through an SNS topic."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient


MAX_TEXT = 256 * 1024
"""Bytes of a message. SNS rejects longer and empty ones, so the alert would be lost."""

MAX_SUBJECT = 99
"""Characters of a subject: SNS takes fewer than 100, of printable ASCII (its API reference)."""


@dataclass(frozen=True, slots=True)
class SnsAlerts:
    """Implements `Alerts`. Without a topic, publishing rejects workflows that alert the staff."""

    client: "SNSClient"
    topic: str

    def send_alert(self, subject: str, text: str, store: str) -> None:
        if not self.topic:
            raise ThrottledError("the stack has no topic for alerts: deploy it with AlarmTopicArn")
        line = "".join(c for c in subject if c.isascii() and c.isprintable())[:MAX_SUBJECT]
        line = line or "Milepost"
        body = text.strip() or line
        message = body.encode("utf-8", "replace")[:MAX_TEXT].decode("utf-8", "ignore")
        try:
            self.client.publish(
                TopicArn=self.topic,
                Subject=line,
                Message=message,
                # The filter policy of a subscription can select the alerts of one store.
                MessageAttributes={"store": {"DataType": "String", "StringValue": store}},
            )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"SNS: {type(error).__name__}") from error
