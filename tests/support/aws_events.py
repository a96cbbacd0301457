"""The events that AWS passes to functions, built from the recorded samples in `tests/events`."""

import json
from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent.parent / "events"

Json = dict[str, Any]


def sample(source: str, name: str) -> Json:
    """A copy of `tests/events/{source}/{name}.json` that the test may change."""
    return deepcopy(_read(source, name))


@cache
def _read(source: str, name: str) -> Json:
    document: Json = json.loads((EVENTS / source / f"{name}.json").read_text("utf-8"))
    return document


def posted(
    shape: str,
    body: bytes | str,
    headers: Mapping[str, str] | None = None,
    *,
    as_base64: bool = False,
    **path: str,
) -> Json:
    """An HTTP API request like the sample `api/{shape}`, with its own body, headers and path.

    API Gateway passes text unchanged and everything else as base64: `as_base64` chooses.
    """
    event = sample("api", shape)
    raw = body if isinstance(body, bytes) else body.encode()
    event["isBase64Encoded"] = as_base64
    event["body"] = b64encode(raw).decode() if as_base64 else raw.decode("utf-8", "surrogatepass")
    event["headers"] |= {name.lower(): value for name, value in (headers or {}).items()}
    event["headers"]["content-length"] = str(len(raw))
    event["pathParameters"] |= path
    return event


def queued(*bodies: Any) -> Json:
    """A batch from SQS, one record for each body (text unchanged, everything else as JSON)."""
    batch = sample("aws", "sqs")
    (shape,) = batch["Records"]
    batch["Records"] = [
        shape
        | {
            "messageId": f"message-{number}",
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        for number, body in enumerate(bodies)
    ]
    return batch


def told_by_sns(message: Json | str) -> Json:
    """The envelope in which SNS delivers what SES publishes."""
    text = message if isinstance(message, str) else json.dumps(message)
    return sample("aws", "sns") | {"Message": text}


def streamed(*items: Mapping[str, Any]) -> Json:
    """A batch of a table's stream with inserts of these items (attribute values), in this order."""
    batch = sample("aws", "dynamodb.stream")
    (shape,) = batch["Records"]
    records = []
    for number, item in enumerate(items):
        record = deepcopy(shape)
        record["dynamodb"]["Keys"] = {"pk": item["pk"], "sk": item["sk"]}
        record["dynamodb"]["NewImage"] = dict(item)
        position = int(shape["dynamodb"]["SequenceNumber"]) + number
        record["dynamodb"]["SequenceNumber"] = f"{position:030d}"
        records.append(record)
    return batch | {"Records": records}


def changed_file(key: str, *, deleted: bool = False) -> Json:
    """EventBridge's event about one object of the bucket."""
    event = sample("aws", "eventbridge.s3.deleted" if deleted else "eventbridge.s3.created")
    event["detail"]["object"]["key"] = key
    return event
