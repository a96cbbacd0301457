"""Shopify webhooks: who may send them (`verify`), and what they mean (`translate`).

Pure functions of what arrived: no network, no environment, no clock.
"""

from milepost.shops.shopify.delivery import Translation
from milepost.shops.shopify.fields import ShopifyPayloadError
from milepost.shops.shopify.headers import COMPLIANCE, Delivery, delivery, verify
from milepost.shops.shopify.shipments import SHIPMENT_EVENTS
from milepost.shops.shopify.translate import TOPICS, translate

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
