import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from milepost.aws import keys
from milepost.aws.table import Table, pack
from milepost.runtime.dead_letters import DeadLetter, QueuedDeadLetters
from milepost.runtime.dynamodb.dead_letters import APPLIED

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


@dataclass(frozen=True, slots=True)
class SqsDeadLetterQueue:
    """Implements `DeadLetterQueue`. Besides our own dead letters, the queue contains parts of the
    stream that Lambda gave up on. They are read from the stream while it still has them."""

    table: Table
    queue: "SQSClient"
    url: str
    streams: Any  # a dynamodbstreams client; there are no type stubs
    _seen: set[str] = field(default_factory=set)

    def waiting(self) -> Iterator[QueuedDeadLetters]:
        while True:
            answer = self.queue.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=120, WaitTimeSeconds=1
            )
            fresh = [m for m in answer.get("Messages", ()) if m["MessageId"] not in self._seen]
            if not fresh:
                return
            for message in fresh:
                self._seen.add(message["MessageId"])
                yield QueuedDeadLetters(
                    message["ReceiptHandle"], self._dead_letters(json.loads(message["Body"]))
                )

    def _dead_letters(self, body: Mapping[str, Any]) -> list[DeadLetter] | None:
        if "dead_letter" in body:
            return [DeadLetter.from_json(body["dead_letter"])]
        batch = body["DDBStreamBatchInfo"]
        why = body.get("requestContext", {}).get("condition", "given up by Lambda")
        try:
            records = list(self._records(batch))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("TrimmedDataAccessException",):
                return None
            raise
        dead_letters = []
        for change in records:
            store, contact = keys.owner(change["Keys"]["pk"]["S"])
            position = int(change["SequenceNumber"])
            dead_letter = DeadLetter(
                store, contact, change["Keys"]["sk"]["S"], position, why, applied=None
            )
            dead_letters.append(dead_letter)
            image = pack({"image": json.dumps(change["NewImage"]), "reason": why})
            self.table.put_new(keys.dead_letter(store, contact, position) | image)
        return dead_letters

    def _records(self, part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The records of a part of the stream that `react` would have received."""
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
                is_event = record["eventName"] == "INSERT" and key.startswith(APPLIED)
                if is_event and "copied" not in change["NewImage"]:
                    yield change
                if int(change["SequenceNumber"]) == last:
                    return
            iterator = page.get("NextShardIterator") if page["Records"] else None

    def apply_again(self, dead_letter: DeadLetter) -> bool | None:
        stored = self.table.get(
            keys.dead_letter(dead_letter.store, dead_letter.contact, dead_letter.sequence)
        )
        if stored is None:
            return None
        image = json.loads(stored["image"])
        replay_reason = f"redrive-{dead_letter.sequence}"
        event_id = dead_letter.key.partition("#")[2]
        extra = {
            "replay_reason": replay_reason,
            "applied_sequence": str(dead_letter.sequence) if dead_letter.applied else None,
        }
        key = {"pk": image["pk"], "sk": {"S": f"REPLAY#{event_id}#{replay_reason}"}}
        return self.table.put_new(image | pack(extra) | key)

    def done(self, message: QueuedDeadLetters) -> None:
        self.queue.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)

    def put_back(self, message: QueuedDeadLetters) -> None:
        self.queue.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message.receipt, VisibilityTimeout=0
        )
