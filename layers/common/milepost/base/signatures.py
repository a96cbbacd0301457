"""Authenticate requests by a signature or a bearer key. Both fail closed.

`v1` signs time and body. That is enough for events alone, whose body says everything. `v2` signs
method and path too, so that a signature for one route is not valid for another.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""How old a signature may be, and how far in the future."""


class AuthenticationFailed(NamedTuple):
    """The request is not genuine; the response has `code` and `reason`."""

    code: str
    reason: str


def sign_body(body: bytes, key: str, at: datetime) -> str:
    """The `Milepost-Signature` header for a body: `t=<unix seconds>,v1=<hex HMAC-SHA256>`."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_digest('v1', seconds, body, key)}"


def sign_request(target: str, body: bytes, key: str, at: datetime) -> str:
    """The header for any route: `t=<unix seconds>,v2=<hex HMAC-SHA256>`.

    `target` is method and path, as in `GET /v1/acme/contacts/c0123`, with the query as it is sent.
    """
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v2={_digest('v2', seconds, _target_and_body(target, body), key)}"


def check_signature(
    header: str, body: bytes, keys: Sequence[str], now: datetime
) -> AuthenticationFailed | None:
    """None if a `v1` of the header signs this body with a live key, at most 5 minutes from now."""
    return _check(header, "v1", body, keys, now)


def check_request(
    header: str, target: str, body: bytes, keys: Sequence[str], now: datetime
) -> AuthenticationFailed | None:
    """None if a `v2` of the header signs this request with a live key, at most 5 minutes from now.

    The signed target has no line break, so the start of the body is unambiguous.
    """
    return _check(header, "v2", _target_and_body(target, body), keys, now)


def check_bearer(header: str, hashes: Sequence[str]) -> AuthenticationFailed | None:
    """None if the key's SHA-256 is one of the store's. Milepost does not store the key itself."""
    scheme, _, key = header.partition(" ")
    digest = sha256(key.strip().encode("utf-8", "surrogatepass")).hexdigest()
    genuine = False
    for stored in hashes:
        genuine |= hmac.compare_digest(digest, stored.strip().lower())
    if scheme.lower() == "bearer" and genuine:
        return None
    return AuthenticationFailed("bad_key", "the bearer key is not one of the store's")


def _check(
    header: str, version: str, signed: bytes, keys: Sequence[str], now: datetime
) -> AuthenticationFailed | None:
    fields = [part.strip().partition("=") for part in header.split(",")]
    seconds = next((value for name, _, value in fields if name == "t"), "")
    given = [value for name, _, value in fields if name == version and value.isascii()]
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12 and given):
        return AuthenticationFailed(
            "bad_signature",
            f"Milepost-Signature must look like t=<unix seconds>,{version}=<hex HMAC-SHA256>",
        )
    genuine = False
    for key in keys:
        expected = _digest(version, seconds, signed, key)
        for value in given[:4]:
            genuine |= hmac.compare_digest(value, expected)
    if not genuine:
        return AuthenticationFailed(
            "bad_signature", "the signature does not match the request and the store's key"
        )
    if abs(now.timestamp() - int(seconds)) > MAX_CLOCK_SKEW.total_seconds():
        return AuthenticationFailed(
            "old_signature", "the signature is more than 5 minutes from now: sign anew"
        )
    return None


def _target_and_body(target: str, body: bytes) -> bytes:
    return target.replace("\n", "").encode("utf-8", "surrogatepass") + b"\n" + body


def _digest(version: str, seconds: str, signed: bytes, key: str) -> str:
    """A signed `v2` text begins with `v2`, a `v1` text with a digit, so they never match."""
    before = f"{seconds}." if version == "v1" else f"{version}\n{seconds}\n"
    return hmac.new(key.encode(), before.encode() + signed, sha256).hexdigest()
