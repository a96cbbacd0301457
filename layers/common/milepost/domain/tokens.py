"""Links that only we could have made: an unsubscribe token says who and what, and proves it."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

_PURPOSE = "unsubscribe.v1"


class Unsubscribe(NamedTuple):
    """Whose subscription to what; `message` is the mail the link was in."""

    store: str
    contact: str
    topic: str
    message: str


def seal(claim: Unsubscribe, key: str) -> str:
    """A URL-safe token of about 130 characters. It holds no address and is bound to the store."""
    body = f"{claim.contact}.{claim.topic}.{claim.message.rpartition('-')[2]}"
    return f"{body}.{_signature(claim.store, body, key)}"


def unseal(store: str, token: str, keys: Sequence[str]) -> Unsubscribe | None:
    """The claim of a genuine token, made with any of the live keys; None for every other text."""
    body, _, signature = token.rpartition(".")
    parts = body.split(".")
    if len(parts) != 3 or not token.isascii():
        return None
    genuine = False
    for key in keys:  # all of them, so that the time taken says nothing about which one fits
        genuine |= hmac.compare_digest(signature, _signature(store, body, key))
    if not genuine:
        return None
    contact, topic, message = parts
    return Unsubscribe(store, contact, topic, f"{contact}-{message}")


def _signature(store: str, body: str, key: str) -> str:
    text = f"{_PURPOSE}\n{store}\n{body}"
    digest = hmac.new(key.encode(), text.encode(), sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
