"""The table of topics: which function reads which delivery."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from milepost.shops.shopify import customers, purchases, shipments
from milepost.shops.shopify.delivery import ParsedDelivery, Translation
from milepost.shops.shopify.headers import Delivery

TOPICS: Mapping[str, Callable[[ParsedDelivery], Translation]] = {
    "carts/create": purchases.translate_cart,
    "carts/update": purchases.translate_cart,
    "checkouts/create": purchases.translate_checkout,
    "checkouts/update": purchases.translate_checkout,
    **dict.fromkeys(purchases.ORDER_EVENTS, purchases.translate_order),
    "refunds/create": purchases.translate_refund,
    "fulfillments/create": shipments.translate_shipment,
    "fulfillments/update": shipments.translate_shipment,
    "fulfillment_events/create": shipments.translate_fulfillment_event,
    **dict.fromkeys(customers.CUSTOMER_EVENTS, customers.translate_customer),
    "customers_email_marketing_consent/update": customers.translate_email_consent,
    "customers_marketing_consent/update": customers.skip_sms_consent,
}


def translate(
    store: str,
    topic: str,
    payload: Mapping[str, Any],
    received_at: datetime,
    delivery: Delivery,
) -> Translation:
    """Translate one verified delivery. Raises ShopifyPayloadError if a known topic is malformed.

    Ids and times of the events come from the payload, so that a redelivery gives equal events.
    """
    topic = topic.strip().lower()
    handler = TOPICS.get(topic)
    if handler is None:
        return Translation(ignored="unknown_topic")
    return handler(ParsedDelivery(store, topic, payload, received_at, delivery))
