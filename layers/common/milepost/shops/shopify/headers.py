"""The headers and the signature of a Shopify delivery."""

import hmac
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from milepost.base import times
from milepost.shops.platform import Delivery

if TYPE_CHECKING:
    from milepost.privacy.request import Kind


COMPLIANCE: "Mapping[str, Kind]" = {
    "customers/data_request": "export",
    "customers/redact": "erase",
    "shop/redact": "erase_store",
}
"""The topics that are privacy requests, with their kinds; `compliance.py` reads them."""

_FAMILIES = ("x-shopify-", "shopify-")
"""Webhooks have the first prefix, Shopify's newer Events the second; the values are the same."""


def delivery(headers: Mapping[str, str]) -> Delivery:
    """Read the headers with either prefix, in any case; a missing or unreadable one is None."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}

    def header(name: str) -> str | None:
        return next((v for family in _FAMILIES if (v := lower.get(family + name))), None)

    return Delivery(
        topic=(header("topic") or "").lower(),
        id=header("webhook-id"),
        signature=header("hmac-sha256"),
        triggered_at=_instant(header("triggered-at")),
        test=(header("test") or "").lower() == "true",
    )


def _instant(text: str | None) -> datetime | None:
    """`fromisoformat` cuts nanoseconds to microseconds (Python 3.11 and later)."""
    try:
        return times.parse_instant(text) if text else None
    except (ValueError, OverflowError):
        return None


def verify(raw_body: bytes, hmac_header: str | None, secrets: Sequence[str]) -> bool:
    """Whether the header is base64(HMAC-SHA256(body, key)) for one of the live secrets.

    `raw_body` must be the received bytes: a body that was parsed and written again has another
    signature. Never raises. An empty secret never matches, because anyone could sign with it.
    All secrets are tried, so that the time does not show which one matches.
    """
    try:
        given = b64decode((hmac_header or "").strip(), validate=True)
    except ValueError:
        return False
    keys = [secret.encode("utf-8", "surrogatepass") for secret in secrets if secret]
    matches = [hmac.compare_digest(hmac.digest(key, raw_body, sha256), given) for key in keys]
    return any(matches)
