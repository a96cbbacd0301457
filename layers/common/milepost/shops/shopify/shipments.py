"""Shipments and carrier scans as contact events."""

from collections.abc import Mapping

from milepost.base import times
from milepost.shops.platform import Translation
from milepost.shops.shopify import mapping
from milepost.shops.shopify.delivery import ParsedDelivery, required
from milepost.shops.shopify.fields import read
from milepost.shops.shopify.shapes import Fulfillment, FulfillmentEvent

SHIPMENT_EVENTS: Mapping[str, str] = {
    "label_purchased": "Shipment Label Created",
    "label_printed": "Shipment Label Created",
    "confirmed": "Shipment Confirmed",
    "carrier_picked_up": "Shipment Confirmed",
    "in_transit": "Shipment In Transit",
    "delayed": "Shipment Delayed",
    "out_for_delivery": "Shipment Out for Delivery",
    "attempted_delivery": "Shipment Delivery Attempted",
    "ready_for_pickup": "Shipment Ready for Pickup",
    "delivered": "Shipment Delivered",
    "picked_up": "Shipment Delivered",
    "failure": "Shipment Exception",
}
"""Event names by Shopify's FulfillmentEventStatus (in lower case, as REST writes it)."""


def translate_shipment(arrival: ParsedDelivery) -> Translation:
    """A prepared parcel. The addressee may not be the buyer, so no contact fields are set."""
    shipment = read(Fulfillment, arrival.payload)
    identifiers = mapping.collect_identifiers(emails=(shipment.email,), order=shipment.order_id)
    if not identifiers:
        return Translation(ignored="no_contact")
    numbers = [n for n in (*shipment.tracking_numbers, shipment.tracking_number) if n]
    urls = [u for u in (*shipment.tracking_urls, shipment.tracking_url) if u]
    data = mapping.known_fields(
        shipment_id=shipment.id,
        order_id=shipment.order_id,
        tracking_number=numbers[0] if numbers else None,
        tracking_numbers=list(dict.fromkeys(numbers)),
        tracking_url=urls[0] if urls else None,
        tracking_urls=list(dict.fromkeys(urls)),
        carrier=shipment.tracking_company,
        status=shipment.status,
        shipment_status=shipment.shipment_status,
        products=mapping.products(shipment.line_items),
    )
    if arrival.topic == "fulfillments/create":
        at = required("created_at", shipment.created_at, shipment.updated_at)
        name, suffix = "Shipment Created", "created"
    else:
        at = required("updated_at", shipment.updated_at)
        name, suffix = "Shipment Updated", f"updated:{times.format_instant(at)}"
    event_id = f"shipment:{shipment.id}:{suffix}"
    return Translation((arrival.event(name, event_id, at, identifiers=identifiers, data=data),))


def translate_fulfillment_event(arrival: ParsedDelivery) -> Translation:
    """A carrier scan. Scans come late, repeated and out of order: one id per parcel and status."""
    scan = read(FulfillmentEvent, arrival.payload)
    status = (scan.status or "").lower()
    name = SHIPMENT_EVENTS.get(status)
    if name is None:
        return Translation(ignored="unknown_status")
    if scan.order_id is None:
        return Translation(ignored="no_contact")
    expected = scan.estimated_delivery_at
    data = mapping.known_fields(
        shipment_id=scan.fulfillment_id,
        order_id=scan.order_id,
        status=status,
        message=scan.message,
        estimated_delivery_at=times.format_instant(expected) if expected else None,
    )
    at = required("happened_at", scan.happened_at, scan.created_at)
    event_id = f"shipment:{scan.fulfillment_id}:{status}"
    identifiers = mapping.collect_identifiers(order=scan.order_id)
    return Translation((arrival.event(name, event_id, at, identifiers=identifiers, data=data),))
