"""What the shapes say, in Milepost's words: who it is, what they agreed to, what they bought."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from milepost.base.addresses import normalize_email, normalize_phone
from milepost.contacts.event import ConsentEvidence, ContactUpdate, IdentifierKind
from milepost.shops.shopify.shapes import (
    Address,
    Checkout,
    Customer,
    CustomerRecord,
    Line,
    MarketingConsent,
    MoneySet,
    Order,
    Purchase,
)

CLOCK_TOLERANCE = timedelta(minutes=10)

_CONSENT: Mapping[str, Literal["granted", "withdrawn"]] = {
    "subscribed": "granted",
    "unsubscribed": "withdrawn",
}
"""The two states that are answers; not_subscribed, pending, redacted and invalid are none."""


def not_future(instant: datetime, received_at: datetime) -> datetime:
    """A time that a wrong clock put ahead would outrank everything that really happens next."""
    return received_at if instant > received_at + CLOCK_TOLERANCE else instant


def known_fields(**values: Any) -> dict[str, Any]:
    """Only what was said: null and missing leave no key. Amounts become JSON numbers."""
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
        if value is not None
    }


def collect_identifiers(
    *,
    emails: Iterable[str | None] = (),
    phones: Iterable[str | None] = (),
    external_id: str | None = None,
    order: str | None = None,
    checkout: str | None = None,
    cart: str | None = None,
) -> dict[IdentifierKind, str]:
    """The identifiers that are there; the first address and the first number that are usable."""
    found: dict[IdentifierKind, str | None] = {
        "email": next(filter(None, map(normalize_email, emails)), None),
        "external_id": external_id,
        "phone": next(filter(None, map(normalize_phone, phones)), None),
        "order": order,
        "checkout": checkout,
        "cart": cart,
    }
    return {kind: value for kind, value in found.items() if value}


def identify_buyer(purchase: Checkout | Order) -> dict[IdentifierKind, str]:
    """Who is buying. The phone of a delivery address is the courier's contact and names nobody."""
    customer = purchase.customer or Customer()
    order = purchase if isinstance(purchase, Order) else None
    checkout = purchase if isinstance(purchase, Checkout) else None
    return collect_identifiers(
        emails=(purchase.email, order.contact_email if order else None, customer.email),
        phones=(purchase.phone, customer.phone),
        external_id=customer.id,
        order=order.id if order else None,
        checkout=checkout.token if checkout else order.checkout_token if order else None,
        cart=purchase.cart_token,
    )


def describe_buyer(
    purchase: Checkout | Order,
    identifiers: Mapping[IdentifierKind, str],
    source: str,
    received_at: datetime,
) -> ContactUpdate:
    """The person behind a checkout or an order; a guest is known by the shipping address."""
    customer = purchase.customer or Customer()
    known = [a for a in (purchase.shipping_address, purchase.billing_address) if a]
    people: list[Customer | Address] = [customer, *known]
    named = next((each for each in people if each.first_name or each.last_name), customer)
    home = customer.default_address or next(iter(known), None)
    return ContactUpdate(
        fields=known_fields(
            first_name=named.first_name,
            last_name=named.last_name,
            locale=purchase.customer_locale,
        ),
        properties=_residence(home),
        consents=_buyer_consents(purchase, identifiers.get("email"), source, received_at),
    )


def describe_customer(record: CustomerRecord, source: str, received_at: datetime) -> ContactUpdate:
    """The person that a customers/* delivery is about. No tags at all is a fact: an empty list."""
    home = record.default_address or next(iter(record.addresses), None)
    tags = [tag.strip() for tag in (record.tags or "").split(",") if tag.strip()]
    properties = _residence(home) | known_fields(
        tags=tags if "tags" in record.model_fields_set else None,
        total_spent=record.total_spent,
        orders_count=record.orders_count,
    )
    return ContactUpdate(
        fields=known_fields(
            first_name=record.first_name, last_name=record.last_name, locale=record.locale
        ),
        properties=properties,
        consents=consents(record.email_marketing_consent, source, received_at),
    )


def _residence(address: Address | None) -> dict[str, Any]:
    if address is None:
        return {}
    return known_fields(country=address.country_code or address.country, city=address.city)


def consents(
    consent: MarketingConsent | None, source: str, received_at: datetime
) -> tuple[ConsentEvidence, ...]:
    """What the consent of a customer record says, if it says anything."""
    state = _CONSENT.get((consent.state or "").lower()) if consent else None
    if consent is None or state is None:
        return ()
    at = consent.consent_updated_at
    fact = ConsentEvidence(
        state=state,
        method="shopify",
        source=source,
        # A time that has not come yet is no time: it could outdate a "no" that is said meanwhile.
        at=at if at and at <= received_at else None,
        consent_text=consent.opt_in_level,
    )
    return (fact,)


def _buyer_consents(
    purchase: Purchase, email: str | None, source: str, received_at: datetime
) -> tuple[ConsentEvidence, ...]:
    """Consent belongs to an address, and a buyer may have typed another than the customer has.

    A withdrawal follows the person, a grant stays with the address it was given for. The box
    "email me with news" is weak evidence (no time, maybe ticked beforehand): it has no `at`, is
    used only if nothing better is known, and says nothing when there is no address or no tick.
    """
    customer = purchase.customer or Customer()
    found = consents(customer.email_marketing_consent, source, received_at)
    if normalize_email(customer.email) != email:
        found = tuple(fact for fact in found if fact.state == "withdrawn")
    if not found and email and purchase.buyer_accepts_marketing:
        found = (ConsentEvidence(state="granted", method="shopify", source=source),)
    return found


def shop_money(money: MoneySet | None) -> Decimal | None:
    """The amount in the shop's own currency."""
    return money.shop_money.amount if money and money.shop_money else None


def shop_currency(sets: Iterable[MoneySet | None]) -> str | None:
    """The shop's currency, by the first amount that names it."""
    moneys = (each.shop_money for each in sets if each)
    return next((m.currency_code for m in moneys if m and m.currency_code), None)


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the known amounts; None if none is known, which is not the same as 0."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def discount(line: Line) -> Decimal | None:
    """What is taken off the whole line.

    Allocations include the line's share of order discounts; `total_discount` is only set by draft
    orders, scripts and the API (Shopify's own advice is to read the allocations).
    """
    return total(each.amount for each in line.discount_allocations) or line.total_discount


def product(line: Line, quantity: int | None = None) -> dict[str, Any]:
    """One entry of `products`: unit price before discounts, discount on the whole line."""
    shop_price = shop_money(line.price_set)
    return known_fields(
        product_id=line.product_id,
        variant_id=line.variant_id,
        sku=line.sku,
        name=line.title or line.presentment_title or line.name,
        variant=line.variant_title,
        brand=line.vendor,
        price=line.price if shop_price is None else shop_price,
        quantity=line.quantity if quantity is None else quantity,
        discount=discount(line),
        url=line.url,
        image_url=line.image_url,
    )


def products(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [product(line) for line in lines]


def amounts(purchase: Purchase) -> dict[str, Any]:
    """The money and the codes of a checkout or an order, except its currency."""
    codes = [each.code for each in purchase.discount_codes if each.code]
    return known_fields(
        subtotal=purchase.subtotal_price,
        total=purchase.total_price,
        tax=purchase.total_tax,
        discount=purchase.total_discounts,
        coupon=codes[0] if codes else None,
        coupons=codes if len(codes) > 1 else None,
    )


def shipping(purchase: Purchase) -> Decimal | None:
    """The price of delivery after discounts; None while the buyer has chosen none."""
    lines = purchase.shipping_lines
    return total(s.price if s.discounted_price is None else s.discounted_price for s in lines)


def revenue(order: Order) -> Decimal | None:
    """What the goods bring: after discounts, without shipping and tax (Segment's `revenue`).

    `subtotal_price` holds the tax on goods when prices include it, as in most of the world.
    """
    if order.subtotal_price is None or not order.taxes_included:
        return order.subtotal_price
    taxes = total(tax.price for line in order.line_items for tax in line.tax_lines)
    return order.subtotal_price - (taxes or Decimal(0))
