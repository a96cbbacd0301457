"""Shopify webhooks: who may send them (`verify`), and what they mean (`translate`).

Pure functions of what arrived: no network, no environment, no clock.
"""

from milepost.adapters.shops.shopify.arrival import Translation
from milepost.adapters.shops.shopify.envelope import COMPLIANCE, Delivery, delivery, verify
from milepost.adapters.shops.shopify.fields import ShopifyPayloadError
from milepost.adapters.shops.shopify.shipments import SHIPMENT_EVENTS
from milepost.adapters.shops.shopify.translate import TOPICS, translate

__all__ = [
    "COMPLIANCE",
    "SHIPMENT_EVENTS",
    "TOPICS",
    "Delivery",
    "ShopifyPayloadError",
    "Translation",
    "delivery",
    "translate",
    "verify",
]
