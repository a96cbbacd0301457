"""The queues of imports and exports: put a file, and process everything that follows."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from functions.export_contacts.app import handler as export_contacts
from functions.import_contacts.app import handler as import_contacts
from functions.react.app import handler as react
from tests.support.aws_events import changed_file, queued
from tests.support.cloud import BUCKET, Shop

Json = dict[str, Any]
HANDLERS = {"import": import_contacts, "export": export_contacts}


@dataclass
class Context:
    """Lambda's context: after `looks` checks of the remaining time, the time is up."""

    looks: float = float("inf")

    def get_remaining_time_in_millis(self) -> int:
        self.looks -= 1
        return 300_000 if self.looks >= 0 else 1_000


def bring(
    shop: Shop, path: str, content: str | bytes | Mapping[str, Any], looks: float = float("inf")
) -> int:
    """Put a file and deliver all messages that follow; returns the number of calls."""
    put(shop, path, content)
    kind = path.split("/", maxsplit=1)[0].removesuffix("s")
    return deliver(shop, kind, changed_file(f"{shop.store}/{path}"), looks)


def put(shop: Shop, path: str, content: str | bytes | Mapping[str, Any]) -> None:
    body = json.dumps(content) if isinstance(content, Mapping) else content
    shop.cloud.s3.put_object(Bucket=BUCKET, Key=f"{shop.store}/{path}", Body=body)


def deliver(shop: Shop, kind: str, body: Any, looks: float = float("inf")) -> int:
    calls = 1
    seen = {item["sk"]["S"] + item["pk"]["S"] for item in shop.events()}
    assert HANDLERS[kind](queued(body), Context(looks)) == {"batchItemFailures": []}
    for waiting in _waiting(kind):
        calls += 1
        assert HANDLERS[kind](queued(waiting), Context(looks)) == {"batchItemFailures": []}
    new = [item for item in shop.events() if item["sk"]["S"] + item["pk"]["S"] not in seen]
    if new:
        react(shop.cloud.stream(*new), None)
    return calls


def _waiting(kind: str) -> Iterator[str]:
    sqs = boto3.client("sqs")
    url = os.environ[f"MILEPOST_{kind.upper()}_QUEUE"]
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages", [])
        if not found:
            return
        sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])
        yield found[0]["Body"]


def report(shop: Shop, kind: str = "imports") -> Json:
    """The newest report of that kind."""
    (newest, *_) = sorted(
        (each for each in files(shop, f"reports/{kind}.") if each.endswith(".json")),
        key=lambda key: _read(key)["updated"],
        reverse=True,
    )
    return _read(newest)


def _read(key: str) -> Json:
    found: Json = json.loads(text(key))
    return found


def text(key: str) -> str:
    body: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body.decode()


def files(shop: Shop, prefix: str) -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{shop.store}/{prefix}")
    return [each["Key"] for each in found.get("Contents", [])]
