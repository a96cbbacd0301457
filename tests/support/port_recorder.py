"""API calls as a shop's own code makes them, each with its signature."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlencode

from milepost.base.signatures import sign_request
from tests.support.aws_events import sample

Json = dict[str, Any]


def request(
    route: str,
    path: Mapping[str, str],
    *,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Json:
    """The event of API Gateway for a call of a route, `GET /v1/{store}/contacts/{contact}`.

    `body` is JSON data, or bytes that are sent unchanged.
    """
    method, _, template = route.partition(" ")
    target = template
    for name, value in path.items():
        target = target.replace(f"{{{name}}}", value)
    event = sample("api", "contacts.find")
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    event |= {
        "routeKey": route,
        "rawPath": target,
        "rawQueryString": urlencode(query or {}),
        "pathParameters": {name: unquote(value) for name, value in path.items()},
        "body": b64encode(raw).decode(),
        "isBase64Encoded": True,
    }
    if query:
        event["queryStringParameters"] = dict(query)
    event["requestContext"] |= {"routeKey": route}
    event["requestContext"]["http"] |= {"method": method, "path": target}
    event["headers"] |= {name.lower(): value for name, value in (headers or {}).items()}
    event["headers"]["content-length"] = str(len(raw))
    return event


def target(event: Json) -> str:
    """The request target, as `v2` signs it."""
    query = event["rawQueryString"]
    method = event["requestContext"]["http"]["method"]
    return f"{method} {event['rawPath']}" + (f"?{query}" if query else "")


def signed(event: Json, key: str, at: datetime | None = None) -> Json:
    """The same call with a signature."""
    body = b64decode(event["body"])
    event["headers"]["milepost-signature"] = sign_request(
        target(event), body, key, at or datetime.now(UTC)
    )
    return event


@dataclass(frozen=True)
class Answered:
    """An answer of the API."""

    status: int
    body: Any

    @property
    def error(self) -> str:
        return str(self.body["error"]["code"])


@dataclass(frozen=True)
class Caller:
    """Calls one function as one store; every answer is JSON of the API's form."""

    handler: Callable[[Json, Any], Json]
    store: str
    key: str

    def __call__(
        self, route: str, *, body: Any = None, query: Any = None, headers: Any = None, **path: str
    ) -> Answered:
        event = request(
            route, {"store": self.store, **path}, body=body, query=query, headers=headers
        )
        return self.send(signed(event, self.key))

    def send(self, event: Json) -> Answered:
        """Send a prepared call."""
        answer = self.handler(event, None)
        assert answer["headers"]["content-type"] == "application/json"
        assert answer["headers"]["cache-control"] == "no-store"
        answered = Answered(answer["statusCode"], json.loads(answer["body"]))
        if answered.status >= 400:
            assert answered.body.keys() == {"error"}
            assert answered.body["error"].keys() == {"code", "message", "field"}
        return answered
