"""Shopify as a platform: its name, its keys, and its functions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from milepost.shops.platform import ComplianceRequest, Delivery, Platform, Translation, WebhookDoc
from milepost.shops.shopify.headers import COMPLIANCE, delivery, verify
from milepost.shops.shopify.translate import TOPICS, translate


class Shopify:
    """Implements `Platform`."""

    name = "shopify"
    secret = "shopify-secret"
    shop = "shopify-domain"
    api_doc = WebhookDoc("X-Shopify-Hmac-Sha256", "Shopify's own HMAC over the raw body.")

    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        return delivery(headers)

    def verify(self, body: bytes, delivery: Delivery, secrets: Sequence[str]) -> bool:
        return verify(body, delivery.signature, secrets)

    def topics(self) -> Collection[str]:
        return TOPICS.keys() | COMPLIANCE.keys()

    def compliance(self, delivery: Delivery, payload: Any) -> ComplianceRequest | None:
        if delivery.topic not in COMPLIANCE:
            return None
        # Demands are rare, and every cold start would pay for what they need.
        from milepost.shops.shopify.compliance import read_compliance_request

        return read_compliance_request(delivery.topic, payload)

    def translate(
        self, store: str, delivery: Delivery, payload: Any, received_at: datetime
    ) -> Translation:
        return translate(store, delivery, payload, received_at)


PLATFORM: Final[Platform] = Shopify()
