"""HTTP glue: turns an API Gateway event into a request and answers with JSON or a page."""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from milepost.base.errors import ThrottledError
from milepost.base.names import is_store
from milepost.handlers.log import logger

MAX_BODY = 1024 * 1024
"""Maximum size of a request body in bytes. API Gateway accepts 10 MB; a shop's largest webhook is
far smaller."""

Response = dict[str, Any]
Handler = Callable[[dict[str, Any], Any], Response]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request: header names in lower case, the body exactly as sent.

    `route` is the template's, such as `GET /v1/{store}/contacts/{contact}`. `target` is the
    requested path with the query as sent.
    """

    store: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    ip: str = ""
    route: str = ""
    target: str = ""


class HttpError(Exception):
    """An error answer; `code` is for programs, the message for people."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, "field": field}


def answer(status: int, body: Mapping[str, Any]) -> Response:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body, ensure_ascii=False),
    }


def page(status: int, html: str) -> Response:
    """A page that loads nothing, runs nothing and is not cached."""
    return {
        "statusCode": status,
        "headers": {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-robots-tag": "noindex",
        },
        "body": html,
    }


def http(handle: Callable[[HttpRequest], Response]) -> Handler:
    """A Lambda handler for one route of the HTTP API (payload format 2.0)."""

    def handler(event: dict[str, Any], _: Any) -> Response:
        try:
            return handle(_request(event))
        except HttpError as error:
            return answer(error.status, {"error": error.error})
        except ThrottledError as error:
            logger.warning("throttled", extra={"reason": str(error)})
            response = _error(503, "busy", "try again in a moment")
            response["headers"]["retry-after"] = "5"
            return response
        except Exception:
            logger.exception("unexpected error")
            return _error(500, "internal", "something broke on our side")

    return handler


def _error(status: int, code: str, message: str) -> Response:
    return answer(status, {"error": {"code": code, "message": message, "field": None}})


def _request(event: Mapping[str, Any]) -> HttpRequest:
    path = event.get("pathParameters") or {}
    store = path.get("store", "")
    if not is_store(store):
        raise HttpError(404, "unknown_store", "there is no such store")
    raw = event.get("body") or ""
    try:
        encoded = raw.encode("utf-8", "surrogatepass")
        body = b64decode(encoded, validate=True) if event.get("isBase64Encoded") else encoded
    except ValueError:
        raise HttpError(400, "bad_body", "the body is not the base64 it is said to be") from None
    if len(body) > MAX_BODY:
        raise HttpError(413, "body_too_large", "a request may have 1 MB: send smaller batches")
    context = event.get("requestContext", {}).get("http", {})
    route = event.get("routeKey", "")
    return HttpRequest(
        store=store,
        method=context.get("method", "POST"),
        route=route,
        target=_target(route, path, event.get("rawQueryString") or ""),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=body,
        path=path,
        query=event.get("queryStringParameters") or {},
        ip=context.get("sourceIp", ""),
    )


def _target(route: str, path: Mapping[str, str], query: str) -> str:
    """The requested path. `rawPath` would include the prefix that a custom domain adds."""
    filled = re.sub(r"\{(\w+)\}", lambda part: path.get(part[1], ""), route)
    return filled + (f"?{query}" if query else "")
