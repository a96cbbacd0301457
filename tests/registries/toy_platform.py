"""A shop platform that Milepost does not have, as its own folder would be."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest, new
from typing import Any

from milepost.shops import PLATFORMS
from milepost.shops.platform import (
    ComplianceRequest,
    Delivery,
    Platform,
    Translation,
    WebhookDoc,
    WebhookError,
)
from milepost.stores.keys import KEYS, StoreKey


class Corner:
    """Implements `Platform`."""

    name = "corner"
    secret = "corner-token"
    shop = "corner-shop"
    api_doc = WebhookDoc("Corner-Signature", "The hex HMAC-SHA256 of topic and body.")

    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        lower = {name.lower(): value for name, value in headers.items()}
        return Delivery(
            lower.get("corner-topic", ""), lower.get("corner-id"), lower.get("corner-signature")
        )

    def verify(self, body: bytes, delivery: Delivery, secrets: Sequence[str]) -> bool:
        return any(
            compare_digest(signature(body, delivery.topic, each), delivery.signature or "")
            for each in secrets
        )

    def topics(self) -> Collection[str]:
        return {"sold", "forget"}

    def compliance(self, delivery: Delivery, payload: Any) -> ComplianceRequest | None:
        if delivery.topic != "forget":
            return None
        return ComplianceRequest("erase", (("email", payload["mail"]),), payload["shop"], "R-1")

    def translate(
        self, store: str, delivery: Delivery, payload: Any, received_at: datetime
    ) -> Translation:
        # Which sources are trusted is read from KEYS when this is imported.
        from milepost.contacts.event import ContactUpdate, Event

        if "mail" not in payload:
            raise WebhookError("mail", "is missing")
        if payload["mail"] is None:
            return Translation(ignored="no_contact")
        event = Event(
            store,
            f"sale:{payload['number']}",
            "Order Completed",
            received_at,
            self.name,
            {"email": payload["mail"]},
            {"total": payload["total"]},
            ContactUpdate({"first_name": payload["who"]}),
        )
        return Translation((event,))


def signature(body: bytes, topic: str, secret: str) -> str:
    return new(secret.encode(), topic.encode() + b"\n" + body, sha256).hexdigest()


def load() -> Platform:
    return Corner()


PLATFORMS["corner"] = load
KEYS["corner-token"] = StoreKey("corner-token", "Corner's webhooks", "corner")
KEYS["corner-shop"] = StoreKey("corner-shop", "Corner's webhooks", "corner", secret=False)
