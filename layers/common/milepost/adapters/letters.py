"""Dead letters: the account in the contacts table, the letters in a queue, the stream behind both.

A letter names a contact and a place, and holds nothing of the person. What there was in the record
stays in the contact's own collection, where an erasure finds it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.adapters.dynamodb import keys
from milepost.adapters.dynamodb.table import Table, pack
from milepost.domain.letters import Envelope, Letter
from milepost.ports.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

KEPT = timedelta(days=30)
"""Longer than SQS keeps a message."""

APPLIED = ("EVENT#", "AGAIN#")


@dataclass(frozen=True, slots=True)
class DynamoLetters:
    """Implements `Letters`. An image is the record's new image, as the stream gives it."""

    table: Table
    queue: "SQSClient"
    url: str

    def failed(self, letter: Letter, image: Any, now: datetime) -> int:
        item = self.table.update(
            keys.poison(letter.store, letter.contact, letter.position),
            expression="SET image = :image, reason = :reason, expires_at = :until "
            "ADD attempts :one",
            values={
                # As short as the record was: an item ends at 400 KB, and an event may have 256.
                ":image": json.dumps(image, ensure_ascii=False, separators=(",", ":")),
                ":reason": letter.reason,
                ":until": int((now + KEPT).timestamp()),
                ":one": 1,
            },
        )
        return int(item["attempts"])

    def put_aside(self, letter: Letter) -> None:
        try:
            self.queue.send_message(
                QueueUrl=self.url, MessageBody=json.dumps({"letter": letter.to_json()})
            )
        except (ClientError, BotoCoreError) as error:
            raise Busy(f"SQS: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class SqsBox:
    """Implements `Box`. Beside our own letters the queue holds what Lambda itself gave up on: a
    part of the stream, which is read while the stream still has it."""

    table: Table
    queue: "SQSClient"
    url: str
    streams: Any  # the client of dynamodbstreams, for which there are no type stubs
    _seen: set[str] = field(default_factory=set)

    def waiting(self) -> Iterator[Envelope]:
        while True:
            answer = self.queue.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=120, WaitTimeSeconds=1
            )
            fresh = [m for m in answer.get("Messages", ()) if m["MessageId"] not in self._seen]
            if not fresh:
                return
            for message in fresh:
                self._seen.add(message["MessageId"])
                yield Envelope(message["ReceiptHandle"], self._letters(json.loads(message["Body"])))

    def _letters(self, body: Mapping[str, Any]) -> list[Letter] | None:
        if "letter" in body:
            return [Letter.from_json(body["letter"])]
        part = body["DDBStreamBatchInfo"]
        why = body.get("requestContext", {}).get("condition", "given up by Lambda")
        try:
            records = list(self._records(part))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("TrimmedDataAccessException",):
                return None
            raise
        letters = []
        for change in records:
            store, contact = keys.owner(change["Keys"]["pk"]["S"])
            position = int(change["SequenceNumber"])
            letter = Letter(store, contact, change["Keys"]["sk"]["S"], position, why, applied=None)
            letters.append(letter)
            image = pack({"image": json.dumps(change["NewImage"]), "reason": why})
            self.table.put_new(keys.poison(store, contact, position) | image)
        return letters

    def _records(self, part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The records of a part that `react` would have been given."""
        last = int(part["endSequenceNumber"])
        iterator: str | None = self.streams.get_shard_iterator(
            StreamArn=part["streamArn"],
            ShardId=part["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=part["startSequenceNumber"],
        )["ShardIterator"]
        while iterator:
            page = self.streams.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                change: Mapping[str, Any] = record["dynamodb"]
                if int(change["SequenceNumber"]) > last:
                    return
                key = change["Keys"]["sk"]["S"]
                ours = record["eventName"] == "INSERT" and key.startswith(APPLIED)
                if ours and "copied" not in change["NewImage"]:
                    yield change
                if int(change["SequenceNumber"]) == last:
                    return
            iterator = page.get("NextShardIterator") if page["Records"] else None

    def apply_again(self, letter: Letter) -> bool | None:
        held = self.table.get(keys.poison(letter.store, letter.contact, letter.position))
        if held is None:
            return None
        image = json.loads(held["image"])
        mark = f"redrive-{letter.position}"
        rest = letter.key.partition("#")[2]
        extra = {"again": mark, "follow": str(letter.position) if letter.applied else None}
        key = {"pk": image["pk"], "sk": {"S": f"AGAIN#{rest}#{mark}"}}
        return self.table.put_new(image | pack(extra) | key)

    def done(self, envelope: Envelope) -> None:
        self.queue.delete_message(QueueUrl=self.url, ReceiptHandle=envelope.receipt)

    def put_back(self, envelope: Envelope) -> None:
        self.queue.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=envelope.receipt, VisibilityTimeout=0
        )
