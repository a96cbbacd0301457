"""Models of the parts of Shopify's payloads that Milepost reads (REST, API 2024-10).

Only ids and times that identify a redelivery are required: a guest order has no customer, a test
delivery has almost no times.
"""

from milepost.shops.shopify.fields import (
    Amount,
    Id,
    Instant,
    Items,
    Link,
    OptionalId,
    OptionalInstant,
    Shape,
    Text,
)


class Money(Shape):
    amount: Amount = None
    currency_code: Text = None


class MoneySet(Shape):
    """An amount in the shop's currency. (Shopify also sends the buyer's currency.)"""

    shop_money: Money | None = None


class Discount(Shape):
    amount: Amount = None


class DiscountCode(Shape):
    code: Text = None


class TaxLine(Shape):
    price: Amount = None


class ShippingLine(Shape):
    price: Amount = None
    discounted_price: Amount = None


class Line(Shape):
    """A line of a cart, a checkout, an order, a shipment or a refund."""

    product_id: OptionalId = None
    variant_id: OptionalId = None
    sku: Text = None
    title: Text = None
    name: Text = None
    presentment_title: Text = None
    variant_title: Text = None
    vendor: Text = None
    quantity: int | None = None
    price: Amount = None
    line_price: Amount = None
    original_line_price: Amount = None
    price_set: MoneySet | None = None
    total_discount: Amount = None
    discount_allocations: Items[Discount] = ()
    tax_lines: Items[TaxLine] = ()
    url: Link = None
    image_url: Link = None


class Address(Shape):
    first_name: Text = None
    last_name: Text = None
    city: Text = None
    country: Text = None
    country_code: Text = None


class MarketingConsent(Shape):
    state: Text = None
    opt_in_level: Text = None
    consent_updated_at: OptionalInstant = None


class Customer(Shape):
    """A customer inside a checkout or an order."""

    id: OptionalId = None
    email: Text = None
    phone: Text = None
    first_name: Text = None
    last_name: Text = None
    default_address: Address | None = None
    email_marketing_consent: MarketingConsent | None = None


class CustomerRecord(Customer):
    """A customer as the subject of a delivery."""

    id: Id
    created_at: OptionalInstant = None
    updated_at: OptionalInstant = None
    state: Text = None
    locale: Text = None
    currency: Text = None
    tags: Text = None
    total_spent: Amount = None
    orders_count: int | None = None
    addresses: Items[Address] = ()


class EmailConsent(Shape):
    customer_id: OptionalId = None
    email_address: Text = None
    email_marketing_consent: MarketingConsent | None = None


class Cart(Shape):
    token: Id
    created_at: OptionalInstant = None
    updated_at: Instant
    line_items: Items[Line] = ()


class Purchase(Shape):
    """What a checkout and an order have in common."""

    email: Text = None
    phone: Text = None
    customer: Customer | None = None
    customer_locale: Text = None
    buyer_accepts_marketing: bool | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    cart_token: OptionalId = None
    created_at: Instant
    currency: Text = None
    taxes_included: bool | None = None
    subtotal_price: Amount = None
    total_price: Amount = None
    total_tax: Amount = None
    total_discounts: Amount = None
    discount_codes: Items[DiscountCode] = ()
    shipping_lines: Items[ShippingLine] = ()
    line_items: Items[Line] = ()


class Checkout(Purchase):
    """Amounts of a checkout are in the currency the buyer was shown, unlike those of an order."""

    token: Id
    updated_at: OptionalInstant = None
    completed_at: OptionalInstant = None
    presentment_currency: Text = None
    abandoned_checkout_url: Link = None


class Fulfillment(Shape):
    id: Id
    order_id: OptionalId = None
    created_at: OptionalInstant = None
    updated_at: OptionalInstant = None
    email: Text = None
    status: Text = None
    shipment_status: Text = None
    tracking_company: Text = None
    tracking_number: Text = None
    tracking_numbers: Items[Text] = ()
    tracking_url: Link = None
    tracking_urls: Items[Link] = ()
    line_items: Items[Line] = ()


class Order(Purchase):
    id: Id
    contact_email: Text = None
    checkout_token: OptionalId = None
    updated_at: OptionalInstant = None
    cancelled_at: OptionalInstant = None
    cancel_reason: Text = None
    name: Text = None
    order_number: int | None = None
    order_status_url: Link = None
    financial_status: Text = None
    fulfillment_status: Text = None
    total_shipping_price_set: MoneySet | None = None
    fulfillments: Items[Fulfillment] = ()
    test: bool | None = None


class RefundLine(Shape):
    quantity: int | None = None
    subtotal: Amount = None
    total_tax: Amount = None
    subtotal_set: MoneySet | None = None
    line_item: Line | None = None


class Transaction(Shape):
    kind: Text = None
    status: Text = None
    amount: Amount = None
    currency: Text = None


class Refund(Shape):
    id: Id
    order_id: OptionalId = None
    created_at: Instant
    refund_line_items: Items[RefundLine] = ()
    transactions: Items[Transaction] = ()


class FulfillmentEvent(Shape):
    fulfillment_id: Id
    order_id: OptionalId = None
    status: Text = None
    message: Text = None
    happened_at: OptionalInstant = None
    created_at: OptionalInstant = None
    estimated_delivery_at: OptionalInstant = None
