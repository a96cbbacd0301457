"""Dead letters: the account in the contacts table, the letters in a queue, the stream behind both.

A letter names a contact and a place, and holds nothing of the person. What there was in the record
stays in the contact's own collection, where an erasure finds it.
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

APPLIED = ("EVENT#", "AGAIN#")


@dataclass(frozen=True, slots=True)
class DynamoDeadLetters:
    """Implements `Letters`. An image is the record's new image, as the stream gives it."""

    table: Table
    queue: "SQSClient"
    url: str

    def failed(self, letter: DeadLetter, image: Any, now: datetime) -> int:
        item = self.table.update(
            keys.dead_letter(letter.store, letter.contact, letter.position),
            expression="SET image = :image, reason = :reason, expires_at = :until "
            "ADD attempts :one",
            values={
                # As short as the record was: an item ends at 400 KB, and an event may have 256.
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
                QueueUrl=self.url, MessageBody=json.dumps({"letter": letter.to_json()})
            )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(f"SQS: {type(error).__name__}") from error
