"""Samples of what other systems send, one JSON file each: `{"headers": {...}, "body": {...}}`.

The fields are those of real deliveries; people, shops and goods are invented.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent.parent / "events"


@dataclass(frozen=True)
class Sample:
    """One delivery: its headers as received, and its parsed body."""

    headers: Mapping[str, str]
    body: Mapping[str, Any]

    def but(self, **fields: Any) -> "Sample":
        """The same delivery with other values at the top level of its body."""
        return replace(self, body={**self.body, **fields})


def load(source: str, name: str) -> Sample:
    """Read `tests/events/{source}/{name}.json`, for example `load("shopify", "orders.create")`."""
    document = json.loads((SAMPLES / source / f"{name}.json").read_text("utf-8"))
    return Sample(document["headers"], document["body"])


def names(source: str) -> list[str]:
    """The names of all samples of a source."""
    return sorted(path.stem for path in (SAMPLES / source).glob("*.json"))


def signed_shopify(sample: Sample, secret: str) -> tuple[bytes, dict[str, str]]:
    """A delivery as Shopify sends it: the raw body, and the headers with its signature.

    The signature uses the header family of the sample (`x-shopify-` or `shopify-`).
    """
    raw = json.dumps(sample.body, ensure_ascii=False, separators=(",", ":")).encode()
    family = "x-shopify" if "x-shopify-topic" in sample.headers else "shopify"
    signature = b64encode(digest(secret.encode(), raw, sha256)).decode()
    return raw, {
        **sample.headers,
        "content-length": str(len(raw)),
        f"{family}-hmac-sha256": signature,
    }
