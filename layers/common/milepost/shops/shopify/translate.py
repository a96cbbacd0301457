"""The table of topics: which function reads which delivery."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from milepost.shops.platform import Delivery, Translation
from milepost.shops.shopify import customers, purchases, shipments
from milepost.shops.shopify.delivery import ParsedDelivery

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
    store: str, delivery: Delivery, payload: Mapping[str, Any], received_at: datetime
) -> Translation:
    """Translate one verified delivery. Raises WebhookError if a known topic is malformed.

    Codes of what is ignored: unknown_topic, unknown_status, sms_consent, no_consent, no_contact,
    checkout_completed.
    """
    handler = TOPICS.get(delivery.topic)
    if handler is None:
        return Translation(ignored="unknown_topic")
    return handler(ParsedDelivery(store, delivery.topic, payload, received_at, delivery))
