"""The three topics that Shopify demands of every app: a customer's data, its end, and a shop's end.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

from typing import TYPE_CHECKING, Any

from milepost.shops.platform import ComplianceRequest, WebhookError
from milepost.shops.shopify import mapping
from milepost.shops.shopify.fields import Items, OptionalId, Shape, Text, read
from milepost.shops.shopify.headers import COMPLIANCE

if TYPE_CHECKING:
    from milepost.contacts.event import IdentifierKind


class Person(Shape):
    id: OptionalId = None
    email: Text = None
    phone: Text = None


class DataRequest(Shape):
    id: OptionalId = None


class Compliance(Shape):
    """The body of all three."""

    shop_domain: Text = None
    customer: Person | None = None
    orders_requested: Items[OptionalId] = ()
    orders_to_redact: Items[OptionalId] = ()
    data_request: DataRequest | None = None


def read_compliance_request(topic: str, payload: Any) -> ComplianceRequest:
    """Read one verified demand. Raises WebhookError if it names nobody."""
    body = read(Compliance, payload)
    kind, person = COMPLIANCE[topic], body.customer or Person()
    named = mapping.collect_identifiers(
        emails=(person.email,), phones=(person.phone,), external_id=person.id
    )
    orders = [order for order in (*body.orders_requested, *body.orders_to_redact) if order]
    found: list[tuple[IdentifierKind, str]] = [*named.items(), *(("order", o) for o in orders)]
    if kind == "erase_store":
        found = []
    elif not found:
        raise WebhookError("customer", "names nobody: no id, no usable address, no order")
    number = body.data_request.id if body.data_request else None
    domain = (body.shop_domain or "").lower() or None
    return ComplianceRequest(kind, tuple(dict.fromkeys(found)), domain, number)
