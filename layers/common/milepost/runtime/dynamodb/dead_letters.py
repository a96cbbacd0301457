"""Dead letters: attempts in the contacts table, quarantined records in a queue.

A message of the queue names a contact and a key, without personal data. The content of the record
stays with the contact, where an erasure finds it.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.aws import keys
from milepost.aws.table import Table
from milepost.base.errors import ThrottledError
from milepost.runtime.dead_letters import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


RETENTION = timedelta(days=30)
"""Longer than SQS keeps a message."""

APPLIED = ("EVENT#", "REPLAY#")


@dataclass(frozen=True, slots=True)
class DynamoDeadLetters:
    """Implements `DeadLetterStore`. An image is the record's new image in the stream."""

    table: Table
    queue: "SQSClient"
    url: str

    def failed(self, letter: DeadLetter, image: Any, now: datetime) -> int:
        item = self.table.update(
            keys.dead_letter(letter.store, letter.contact, letter.sequence),
            expression="SET image = :image, reason = :reason, expires_at = :until "
            "ADD attempts :one",
            values={
                # Compact: an item is limited to 400 KB, and an event may have 256 KB.
                ":image": json.dumps(image, ensure_ascii=False, separators=(",", ":")),
                ":reason": letter.reason,
                ":until": int((now + RETENTION).timestamp()),
                ":one": 1,
            },
        )
        return int(item["attempts"])

    def quarantine(self, letter: DeadLetter) -> None:
        try:
            self.queue.send_message(
                QueueUrl=self.url, MessageBody=json.dumps({"dead_letter": letter.to_json()})
            )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"SQS: {type(error).__name__}") from error
