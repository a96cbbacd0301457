"""Carts, checkouts, orders and refunds as contact events."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from milepost.base import times
from milepost.contacts.event import ContactUpdate, IdentifierKind
from milepost.shops.platform import Translation
from milepost.shops.shopify import mapping
from milepost.shops.shopify.delivery import ParsedDelivery
from milepost.shops.shopify.fields import read
from milepost.shops.shopify.shapes import Cart, Checkout, Order, Refund


def translate_cart(arrival: ParsedDelivery) -> Translation:
    """A cart names no person: the cart token is the identifier until a checkout links them."""
    cart = read(Cart, arrival.payload)
    created = arrival.topic == "carts/create"
    lines = cart.line_items
    prices = (
        line.line_price
        if line.original_line_price is None
        else line.original_line_price - (mapping.discount(line) or Decimal(0))
        for line in lines
    )
    subtotal = mapping.total(prices) if lines else Decimal(0)
    event = arrival.event(
        "Cart Created" if created else "Cart Updated",
        f"cart:{cart.token}:{times.format_instant(cart.updated_at)}",
        (cart.created_at or cart.updated_at) if created else cart.updated_at,
        identifiers=mapping.collect_identifiers(cart=cart.token),
        data=mapping.known_fields(
            cart_id=cart.token,
            subtotal=subtotal,
            total=subtotal,
            currency=mapping.shop_currency(line.price_set for line in lines),
            products=mapping.products(lines),
        ),
    )
    return Translation((event,))


def translate_checkout(arrival: ParsedDelivery) -> Translation:
    """Every delivery of an open checkout has the event `Checkout Started`.

    It has the same id until the person is better known (see `_stage`).
    """
    checkout = read(Checkout, arrival.payload)
    identifiers = mapping.identify_buyer(checkout)
    contact = mapping.describe_buyer(checkout, identifiers, arrival.topic, arrival.received_at)
    data = mapping.amounts(checkout) | mapping.known_fields(
        checkout_id=checkout.token,
        cart_id=checkout.cart_token,
        shipping=mapping.shipping(checkout),
        currency=checkout.presentment_currency or checkout.currency,
        checkout_url=checkout.abandoned_checkout_url,
        products=mapping.products(checkout.line_items),
    )
    prefix = f"checkout:{checkout.token}"
    updated_at = checkout.updated_at or checkout.created_at
    moments = []
    if checkout.completed_at is None:
        stage = _stage(identifiers, contact)
        moments.append(("Checkout Started", f"{prefix}:started{stage}", checkout.created_at))
    if arrival.topic == "checkouts/update":
        updated_id = f"{prefix}:updated:{times.format_instant(updated_at)}"
        moments.append(("Checkout Updated", updated_id, updated_at))
    return Translation(
        tuple(
            arrival.event(*moment, identifiers=identifiers, data=data, contact=contact)
            for moment in moments
        ),
        ignored=None if moments else "checkout_completed",
    )


def _stage(identifiers: Mapping[IdentifierKind, str], contact: ContactUpdate) -> str:
    """How well the buyer is known: the end of the id of `Checkout Started`.

    Shopify reports a checkout first without a person, then with an address, then with the consent
    checkbox. Each of these repeats the start event: otherwise a workflow for contacts with consent
    would see only the first one and enroll no new contact. A workflow with a `key` still enrolls a
    checkout once.
    """
    if any(fact.state == "granted" for fact in contact.consents):
        return ":consent"
    return ":address" if "email" in identifiers else ""


ORDER_EVENTS: Mapping[str, str] = {
    "orders/create": "Order Completed",
    "orders/paid": "Order Paid",
    "orders/cancelled": "Order Cancelled",
    "orders/fulfilled": "Order Fulfilled",
    "orders/partially_fulfilled": "Order Partially Fulfilled",
    "orders/updated": "Order Updated",
}


def translate_order(arrival: ParsedDelivery) -> Translation:
    """Each order topic becomes one event with the whole order as its data."""
    order = read(Order, arrival.payload)
    identifiers = mapping.identify_buyer(order)
    shipping = mapping.shop_money(order.total_shipping_price_set)
    cancelled = arrival.topic == "orders/cancelled"
    data = mapping.amounts(order) | mapping.known_fields(
        order_id=order.id,
        order_number=order.order_number,
        name=order.name,
        checkout_id=order.checkout_token,
        revenue=mapping.revenue(order),
        shipping=mapping.shipping(order) if shipping is None else shipping,
        currency=order.currency,
        financial_status=order.financial_status,
        fulfillment_status=order.fulfillment_status,
        reason=order.cancel_reason if cancelled else None,
        status_url=order.order_status_url,
        products=mapping.products(order.line_items),
        test=bool(order.test),
    )
    suffix, at = _order_moment(arrival.topic, order)
    event = arrival.event(
        ORDER_EVENTS[arrival.topic],
        f"order:{order.id}:{suffix}",
        at,
        identifiers=identifiers,
        data=data,
        contact=mapping.describe_buyer(order, identifiers, arrival.topic, arrival.received_at),
    )
    return Translation((event,))


def _order_moment(topic: str, order: Order) -> tuple[str, datetime]:
    """The end of the event id and the event's time, both the same in every redelivery.

    An order has no time of payment or of complete fulfillment: `updated_at` and the last shipment
    replace them. An order can be partially fulfilled more than once, so that id names the shipment.
    """
    updated = order.updated_at or order.created_at
    shipped = [(each.created_at, each.id) for each in order.fulfillments if each.created_at]
    shipped_at, shipment = max(shipped, default=(updated, times.format_instant(updated)))
    match topic:
        case "orders/create":
            return "completed", order.created_at
        case "orders/paid":
            return "paid", updated
        case "orders/cancelled":
            return "cancelled", order.cancelled_at or updated
        case "orders/fulfilled":
            return "fulfilled", shipped_at
        case "orders/partially_fulfilled":
            return f"partially_fulfilled:{shipment}", shipped_at
        case _:
            return f"updated:{times.format_instant(updated)}", updated


def translate_refund(arrival: ParsedDelivery) -> Translation:
    """A refund names only its order. Its total is the amount paid back, else the sum of its lines.

    A payment may be in the buyer's currency, so the currency has the same source as the total.
    """
    refund = read(Refund, arrival.payload)
    if refund.order_id is None:
        return Translation(ignored="no_contact")
    paid_back = [
        each
        for each in refund.transactions
        if each.kind in {None, "refund"} and each.status not in {"failure", "error"}
    ]
    lines = refund.refund_line_items
    if refund.transactions:
        refunded = sum((each.amount or Decimal(0) for each in paid_back), Decimal(0))
        currency = next((each.currency for each in refund.transactions if each.currency), None)
    else:
        refunded = sum((line.subtotal or Decimal(0) for line in lines), Decimal(0))
        refunded += sum((line.total_tax or Decimal(0) for line in lines), Decimal(0))
        currency = mapping.shop_currency(line.subtotal_set for line in lines)
    data = mapping.known_fields(
        refund_id=refund.id,
        order_id=refund.order_id,
        total=refunded,
        currency=currency,
        products=[
            mapping.product(line.line_item, line.quantity)
            for line in lines
            if line.line_item is not None
        ],
    )
    event = arrival.event(
        "Order Refunded",
        f"refund:{refund.id}",
        refund.created_at,
        identifiers=mapping.collect_identifiers(order=refund.order_id),
        data=data,
    )
    return Translation((event,))
