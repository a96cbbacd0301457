"""HTTP handlers: parse and authenticate a request, and answer it."""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.base.errors import ThrottledError
from milepost.base.names import is_store
from milepost.base.signatures import check_bearer, check_request, check_signature
from milepost.handlers.log import logger

if TYPE_CHECKING:
    from milepost.stores.store_secrets import Secrets, StoreSecrets


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


def store_secrets(secrets: "Secrets", store: str) -> "StoreSecrets":
    found = secrets.of(store)
    if found is None:
        raise HttpError(404, "unknown_store", "there is no such store")
    return found


def authenticate(
    request: HttpRequest, secrets: "Secrets", now: datetime, body_alone: bool = False
) -> None:
    """Accept a signed request or a bearer key; raise HttpError for everything else.

    A store without a key refuses all requests (503). With `body_alone`, this route also accepts the
    older signature, which does not cover the method and the path.
    """
    keys = store_secrets(secrets, request.store)
    signature = request.headers.get("milepost-signature")
    bearer = request.headers.get("authorization")
    if signature is not None:
        _configured(keys.signing, "signing-key")
        if body_alone and "v2=" not in signature:
            denied = check_signature(signature, request.body, keys.signing, now)
        else:
            denied = check_request(signature, request.target, request.body, keys.signing, now)
    elif bearer is not None:
        _configured(keys.bearer_hashes, "bearer-key-sha256")
        denied = check_bearer(bearer, keys.bearer_hashes)
    else:
        raise HttpError(
            401,
            "no_signature",
            "sign the request (Milepost-Signature) or send Authorization: Bearer <key>",
        )
    if denied is not None:
        raise HttpError(401, denied.code, denied.reason)


def _configured(keys: tuple[str, ...], name: str) -> None:
    if not keys:
        raise HttpError(503, "no_secret", f"this store has no {name} yet: put one in SSM")
