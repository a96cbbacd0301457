"""Visitors of a shop's pages and recipients of its mails: their browsers' requests."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.support.aws_events import posted, sample
from tests.support.cloud import EMAIL, Shop

Json = dict[str, Any]
URLENCODED = "application/x-www-form-urlencoded"
PAGE = "https://shop.harborline.example"
WORDING = "Yes, send me <b>offers</b> & news."
DEVICE = "0f8b1c1e-6a52-4d0b-9a51-0c4a1f6f2d10"

FOOTER: Json = {
    "topics": ["offers", "news"],
    "list": "newsletter",
    "consent_text": {"en": WORDING, "fa": "بله، پیشنهادها را برایم بفرستید."},
    "fields": {
        "first_name": {},
        "age": {"type": "number"},
        "country": {"choices": ["FR", "NO"]},
        "birthday": {"type": "date"},
        "over_18": {"type": "boolean"},
    },
}
"""A form with double opt-in and every possible field."""


def request(
    shape: str,
    method: str,
    body: bytes | str = b"",
    headers: Mapping[str, str] | None = None,
    ip: str = "203.0.113.24",
    **path: str,
) -> Json:
    made = posted(shape, body, headers, as_base64=True, **path)
    made["requestContext"]["http"] |= {"method": method, "sourceIp": ip}
    return made


def form_post(
    shop: Shop,
    form: str = "footer",
    *,
    ip: str = "203.0.113.24",
    headers: Mapping[str, str] | None = None,
    kind: str = URLENCODED,
    **fields: Any,
) -> Json:
    """A browser submits a form, with the person's address unless another is given."""
    body = urlencode({"email": EMAIL, **fields})
    given = {"content-type": kind, **(headers or {})}
    return request("events.post", "POST", body, given, ip, store=shop.store, form=form)


def json_post(
    shop: Shop, form: str = "footer", *, origin: str = PAGE, ip: str = "203.0.113.24", **fields: Any
) -> Json:
    """A script on a page of the shop submits a form."""
    body = json.dumps({"email": EMAIL, **fields})
    given = {"content-type": "application/json", "origin": origin}
    return request("events.post", "POST", body, given, ip, store=shop.store, form=form)


def look(shop: Shop, token: str, method: str = "GET") -> Json:
    """A person or a link scanner follows a link."""
    made = sample("api", "unsubscribe.get")
    made["pathParameters"] = {"store": shop.store, "token": token}
    made["requestContext"]["http"]["method"] = method
    return made


def press(
    shop: Shop, token: str, fields: str | Mapping[str, Any], ip: str = "198.51.100.7"
) -> Json:
    """A recipient presses a button on the page of a link."""
    body = fields if isinstance(fields, str) else urlencode(fields, doseq=True)
    given = {"content-type": URLENCODED}
    return request("unsubscribe.post", "POST", body, given, ip, store=shop.store, token=token)
