"""Who may post events: a signature over time and body, or a bearer key. Both fail closed."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

TOLERANCE = timedelta(minutes=5)
"""How old a signature may be, and how far in the future: the usual allowance for skewed clocks."""


class Denied(NamedTuple):
    """The request is not genuine; `code` and `reason` are what its sender is told."""

    code: str
    reason: str


def sign(body: bytes, key: str, at: datetime) -> str:
    """The `Milepost-Signature` header for a body: `t=<unix seconds>,v1=<hex HMAC-SHA256>`."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_digest(seconds, body, key)}"


def check_signature(header: str, body: bytes, keys: Sequence[str], now: datetime) -> Denied | None:
    """None if any `v1` of the header was made over this body with any live key, and lately."""
    fields = [part.strip().partition("=") for part in header.split(",")]
    seconds = next((value for name, _, value in fields if name == "t"), "")
    given = [value for name, _, value in fields if name == "v1" and value.isascii()]
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12 and given):
        return Denied(
            "bad_signature",
            "Milepost-Signature must look like t=<unix seconds>,v1=<hex HMAC-SHA256>",
        )
    genuine = False
    for key in keys:
        expected = _digest(seconds, body, key)
        for value in given[:4]:
            genuine |= hmac.compare_digest(value, expected)
    if not genuine:
        return Denied("bad_signature", "the signature does not match the body and the store's key")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        return Denied("old_signature", "the signature is more than 5 minutes from now: sign anew")
    return None


def check_bearer(header: str, hashes: Sequence[str]) -> Denied | None:
    """None if the bearer key's SHA-256 is one of the store's; the key itself is stored nowhere."""
    scheme, _, key = header.partition(" ")
    digest = sha256(key.strip().encode("utf-8", "surrogatepass")).hexdigest()
    genuine = False
    for stored in hashes:
        genuine |= hmac.compare_digest(digest, stored.strip().lower())
    if scheme.lower() == "bearer" and genuine:
        return None
    return Denied("bad_key", "the bearer key is not one of the store's")


def _digest(seconds: str, body: bytes, key: str) -> str:
    return hmac.new(key.encode(), seconds.encode() + b"." + body, sha256).hexdigest()
