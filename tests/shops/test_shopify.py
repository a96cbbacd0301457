import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import digest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.contacts.event import ConsentEvidence, Event, decode_body, encode_body
from milepost.shops.platform import Delivery, Translation, WebhookError
from milepost.shops.shopify.headers import verify
from milepost.shops.shopify.platform import PLATFORM
from milepost.shops.shopify.shipments import SHIPMENT_EVENTS
from milepost.shops.shopify.translate import TOPICS
from tests.support.events import Sample, load, names, signed_shopify

SECRET = "hush-harborline"
LATER = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SAMPLES = names("shopify")
NOOR = "9120475538120945667"
ORDER = "6120884573390217845"
CHECKOUT = "5d0e9b7a41c84f2f9a6e3d7c1b80f264"
CART = "hWN4k2QpTf7mZb0XcLs9RaYe"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def translate(sample: Sample | str, received_at: datetime = LATER) -> Translation:
    if isinstance(sample, str):
        sample = load("shopify", sample)
    delivery = PLATFORM.delivery(sample.headers)
    return PLATFORM.translate("harborline", delivery, sample.body, received_at)


def only(sample: Sample | str, received_at: datetime = LATER) -> Event:
    translation = translate(sample, received_at)
    assert translation.ignored is None
    (event,) = translation.events
    return event


def names_in(event: Event) -> tuple[str | None, str | None]:
    return event.contact.fields.get("first_name"), event.contact.fields.get("last_name")


# Headers


def test_the_headers_of_a_webhook_are_read_in_any_case() -> None:
    sample = load("shopify", "checkouts.create")
    _, headers = signed_shopify(sample, SECRET)
    shouting = {name.upper(): value for name, value in headers.items()}
    assert PLATFORM.delivery(headers) == PLATFORM.delivery(shouting)
    delivery = PLATFORM.delivery(headers)
    assert delivery.topic == "checkouts/create"
    assert delivery.id == headers["x-shopify-webhook-id"]
    assert delivery.signature == headers["x-shopify-hmac-sha256"]
    assert delivery.test is False


def test_nanoseconds_of_the_trigger_time_are_cut_to_microseconds() -> None:
    delivery = PLATFORM.delivery({"X-Shopify-Triggered-At": "2026-11-17T13:06:03.551207419Z"})
    assert delivery.triggered_at == utc("2026-11-17T13:06:03.551207")


def test_the_family_without_x_says_the_same() -> None:
    prefixed = load("shopify", "checkouts.create")
    unprefixed = load("shopify", "checkouts.create.unprefixed")
    assert not any(name.startswith("x-") for name in unprefixed.headers)
    assert PLATFORM.delivery(unprefixed.headers) == PLATFORM.delivery(prefixed.headers)
    assert translate(unprefixed) == translate(prefixed)
    raw, headers = signed_shopify(unprefixed, SECRET)
    assert verify(raw, PLATFORM.delivery(headers).signature, [SECRET])


def test_headers_that_are_missing_or_unreadable_are_none() -> None:
    assert PLATFORM.delivery({}) == Delivery()
    assert PLATFORM.delivery({"x-shopify-triggered-at": "yesterday"}).triggered_at is None
    assert PLATFORM.delivery({"x-shopify-triggered-at": "2026-11-17T13:06:03"}).triggered_at is None
    assert PLATFORM.delivery({"x-shopify-webhook-id": " "}).id is None


# Signatures


def test_a_body_that_was_signed_with_the_secret_is_accepted() -> None:
    raw, headers = signed_shopify(load("shopify", "orders.create"), SECRET)
    assert verify(raw, PLATFORM.delivery(headers).signature, [SECRET])


def test_a_known_signature_is_reproduced() -> None:
    """HMAC-SHA256 test case 2 of RFC 4231, in base64."""
    known = b64encode(
        bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    ).decode()
    assert verify(b"what do ya want for nothing?", known, ["Jefe"])


def test_any_live_secret_will_do_while_one_is_being_replaced() -> None:
    raw, headers = signed_shopify(load("shopify", "orders.create"), SECRET)
    signature = PLATFORM.delivery(headers).signature
    assert verify(raw, signature, ["the-next-one", SECRET])
    assert verify(raw, signature, [SECRET, "the-next-one"])
    assert not verify(raw, signature, ["the-next-one"])


def test_without_a_secret_nothing_is_accepted() -> None:
    raw = b"{}"
    with_empty_key = b64encode(digest(b"", raw, sha256)).decode()
    assert not verify(raw, with_empty_key, [])
    assert not verify(raw, with_empty_key, [""])
    assert not verify(raw, None, [])


@pytest.mark.parametrize("header", [None, "", " ", "not base64!", "AAAA", "=", "ü", "A" * 10_000])
def test_a_header_that_is_no_signature_is_refused_quietly(header: str | None) -> None:
    assert not verify(b"{}", header, [SECRET])


def test_the_signature_in_hexadecimal_is_not_the_signature() -> None:
    assert not verify(b"{}", digest(SECRET.encode(), b"{}", sha256).hex(), [SECRET])


@given(st.binary(), st.text() | st.none(), st.lists(st.text()))
def test_verifying_anything_gives_an_answer(
    raw: bytes, header: str | None, secrets: list[str]
) -> None:
    assert verify(raw, header, secrets) is False


@given(st.binary(min_size=1), st.text(min_size=1), st.integers(min_value=0))
def test_a_body_with_one_bit_changed_is_refused(raw: bytes, secret: str, position: int) -> None:
    key = secret.encode("utf-8", "surrogatepass")
    signature = b64encode(digest(key, raw, sha256)).decode()
    assert verify(raw, signature, [secret])
    changed = bytearray(raw)
    changed[position % len(raw)] ^= 1
    assert not verify(bytes(changed), signature, [secret])


# All topics


EXPECTED = {
    "app.uninstalled": "unknown_topic",
    "carts.create": ["Cart Created"],
    "carts.update": ["Cart Updated"],
    "checkouts.create": ["Checkout Started"],
    "checkouts.create.anonymous": ["Checkout Started"],
    "checkouts.create.unprefixed": ["Checkout Started"],
    "checkouts.update": ["Checkout Started", "Checkout Updated"],
    "checkouts.update.address": ["Checkout Started", "Checkout Updated"],
    "checkouts.update.completed": ["Checkout Updated"],
    "customers.create": ["Customer Created"],
    "customers.disable": ["Customer Disabled"],
    "customers.enable": ["Customer Enabled"],
    "customers.update": ["Customer Updated"],
    "customers_email_marketing_consent.update": ["Email Consent Updated"],
    "customers_email_marketing_consent.update.empty": "no_consent",
    "customers_email_marketing_consent.update.unsubscribed": ["Email Consent Updated"],
    "customers_marketing_consent.update": "sms_consent",
    "events.customer.update": "unknown_topic",
    "fulfillment_events.create": ["Shipment In Transit"],
    "fulfillment_events.create.delivered": ["Shipment Delivered"],
    "fulfillments.create": ["Shipment Created"],
    "fulfillments.update": ["Shipment Updated"],
    "inventory_levels.update": "unknown_topic",
    "orders.cancelled": ["Order Cancelled"],
    "orders.create": ["Order Completed"],
    "orders.create.guest": ["Order Completed"],
    "orders.fulfilled": ["Order Fulfilled"],
    "orders.paid": ["Order Paid"],
    "orders.partially_fulfilled": ["Order Partially Fulfilled"],
    "orders.updated": ["Order Updated"],
    "products.update": "unknown_topic",
    "refunds.create": ["Order Refunded"],
}


def test_every_sample_has_the_expected_outcome() -> None:
    outcomes = {}
    for name in SAMPLES:
        translation = translate(name)
        outcomes[name] = translation.ignored or [event.name for event in translation.events]
    assert outcomes == EXPECTED


def test_every_known_topic_has_a_sample() -> None:
    sampled = {PLATFORM.delivery(load("shopify", name).headers).topic for name in SAMPLES}
    assert set(TOPICS) <= sampled


@pytest.mark.parametrize("name", SAMPLES)
def test_every_event_survives_being_stored(name: str) -> None:
    for event in translate(name).events:
        assert event.store == "harborline"
        assert event.source == "shopify"
        assert event.identifiers
        assert event.occurred_at.utcoffset() == timedelta(0)
        assert event.occurred_at <= LATER
        assert decode_body(encode_body(event)) == (event.identifiers, event.data, event.contact)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_redelivery_hours_later_gives_equal_events(name: str) -> None:
    assert translate(name, LATER) == translate(name, LATER + timedelta(hours=4))


def test_an_event_id_never_shows_an_address() -> None:
    ids = [event.id for name in SAMPLES for event in translate(name).events]
    assert ids
    assert not any("@" in each for each in ids)


def test_the_topic_decides_what_a_body_means_however_it_is_written() -> None:
    sample = load("shopify", "orders.create")
    delivery = PLATFORM.delivery({"X-Shopify-Topic": "Orders/Paid "})
    paid = PLATFORM.translate("harborline", delivery, sample.body, LATER)
    assert [event.name for event in paid.events] == ["Order Paid"]


# Carts


def test_a_cart_is_known_by_its_token_alone() -> None:
    event = only("carts.update")
    assert event.id == f"cart:{CART}:2026-11-17T13:04:46.982Z"
    assert event.occurred_at == utc("2026-11-17T13:04:46.982")
    assert event.identifiers == {"cart": CART}
    assert event.data["cart_id"] == CART
    assert event.data["total"] == 197.0
    assert event.data["currency"] == "CAD"
    assert event.data["products"][1] == {
        "product_id": "8412907735512806733",
        "variant_id": "4621883390752058846",
        "sku": "HLG-MUG-NAVY",
        "name": "Enamel Camp Mug - Navy",
        "brand": "Tidewater Enamel",
        "price": 24.5,
        "quantity": 2,
        "discount": 0.0,
    }


def test_two_updates_of_one_cart_are_two_events() -> None:
    first = load("shopify", "carts.update")
    second = first.but(updated_at="2026-11-17T13:05:10.004Z")
    assert only(first).id != only(second).id


def test_an_emptied_cart_is_worth_nothing() -> None:
    event = only(load("shopify", "carts.update").but(line_items=[]))
    assert event.data["total"] == 0.0
    assert event.data["products"] == []


def test_line_discounts_are_taken_off_the_cart() -> None:
    sample = load("shopify", "carts.update")
    lines = [{**line, "total_discount": "4.50"} for line in sample.body["line_items"]]
    assert only(sample.but(line_items=lines)).data["total"] == 188.0


# Checkouts


def test_a_started_checkout_carries_what_a_reminder_needs() -> None:
    event = translate("checkouts.update").events[0]
    assert event.id == f"checkout:{CHECKOUT}:started:consent"
    assert event.occurred_at == utc("2026-11-17T13:06:02")
    assert event.identifiers == {
        "email": "noor.haddad@example.com",
        "external_id": NOOR,
        "phone": "+19025550142",
        "checkout": CHECKOUT,
        "cart": CART,
    }
    assert {k: v for k, v in event.data.items() if k != "products"} == {
        "checkout_id": CHECKOUT,
        "cart_id": CART,
        "subtotal": 177.3,
        "total": 215.8,
        "tax": 26.5,
        "discount": 19.7,
        "shipping": 12.0,
        "currency": "CAD",
        "coupon": "WELCOME10",
        "checkout_url": f"https://harborline-goods.example/71930485562/checkouts/ac/{CHECKOUT}"
        "/recover?key=c41f77ab09e2",
    }
    assert event.data["products"][0] == {
        "product_id": "8412907735512806401",
        "variant_id": "4621883390752051379",
        "sku": "HLG-THROW-MOSS",
        "name": "Saltmarsh Wool Throw",
        "variant": "Moss / 130 x 170",
        "brand": "Harborline",
        "price": 148.0,
        "quantity": 1,
        "discount": 14.8,
    }


def test_the_start_of_a_checkout_is_one_event_however_often_its_cart_is_updated() -> None:
    created = only("checkouts.create")
    earlier = load("shopify", "checkouts.create").body
    people = {name: earlier[name] for name in ("email", "customer", "buyer_accepts_marketing")}
    started, updated = translate(load("shopify", "checkouts.update").but(**people)).events
    assert (started.id, started.occurred_at) == (created.id, created.occurred_at)
    assert updated.id == f"checkout:{CHECKOUT}:updated:2026-11-17T13:09:15.000Z"
    assert updated.occurred_at == utc("2026-11-17T13:09:15")


def test_a_checkout_starts_once_more_for_its_address_and_for_its_yes() -> None:
    nobody = only("checkouts.create.anonymous")
    assert set(nobody.identifiers) == {"checkout", "cart"}
    somebody = translate("checkouts.update.address").events[0]
    assert somebody.identifiers["email"] == "jonas@weidmann-tischlerei.example"
    ticked = load("shopify", "checkouts.update.address").but(buyer_accepts_marketing=True)
    willing = translate(ticked).events[0]
    starts = [nobody, somebody, willing]
    assert {(event.name, event.occurred_at) for event in starts} == {
        ("Checkout Started", nobody.occurred_at)
    }
    stages = [event.id.removeprefix(nobody.id) for event in starts]
    assert stages == ["", ":address", ":consent"]


def test_a_completed_checkout_starts_nothing() -> None:
    assert [event.name for event in translate("checkouts.update.completed").events] == [
        "Checkout Updated"
    ]
    sample = load("shopify", "checkouts.create").but(completed_at="2026-11-17T09:11:40-04:00")
    assert translate(sample) == Translation((), "checkout_completed")


def test_the_amounts_of_a_checkout_are_in_the_currency_the_buyer_was_shown() -> None:
    event = only("checkouts.create.anonymous")
    assert (event.data["total"], event.data["currency"]) == (99.0, "EUR")
    assert "shipping" not in event.data, "no delivery was chosen, which is not free delivery"


def test_a_checkout_without_its_own_address_uses_that_of_its_customer() -> None:
    sample = load("shopify", "checkouts.create").but(email=None)
    assert only(sample).identifiers["email"] == "noor.haddad@example.com"


@pytest.mark.parametrize("email", ["", None, "noor", "noor haddad@example.com", "noör@example.com"])
def test_an_unusable_address_is_absent_and_the_rest_goes_on(email: str | None) -> None:
    sample = load("shopify", "checkouts.create")
    customer = {**sample.body["customer"], "email": email}
    event = only(sample.but(email=email, customer=customer))
    assert event.identifiers == {"external_id": NOOR, "checkout": CHECKOUT, "cart": CART}


def test_the_phone_of_a_delivery_address_identifies_nobody() -> None:
    event = only("checkouts.create")
    assert load("shopify", "checkouts.create").body["shipping_address"]["phone"]
    assert "phone" not in event.identifiers


def test_a_link_that_does_not_lead_to_the_web_is_dropped() -> None:
    sample = load("shopify", "checkouts.create").but(abandoned_checkout_url="javascript:alert(1)")
    assert "checkout_url" not in only(sample).data


# Orders


def test_an_order_carries_its_money_and_its_names() -> None:
    event = only("orders.create")
    assert event.id == f"order:{ORDER}:completed"
    assert event.occurred_at == utc("2026-11-17T13:11:40")
    assert event.identifiers == {
        "email": "noor.haddad@example.com",
        "external_id": NOOR,
        "phone": "+19025550142",
        "order": ORDER,
        "checkout": CHECKOUT,
        "cart": CART,
    }
    assert {k: v for k, v in event.data.items() if k != "products"} == {
        "order_id": ORDER,
        "order_number": 1204,
        "name": "#1204",
        "checkout_id": CHECKOUT,
        "subtotal": 177.3,
        "total": 215.8,
        "revenue": 177.3,
        "tax": 26.5,
        "discount": 19.7,
        "shipping": 12.0,
        "currency": "CAD",
        "coupon": "WELCOME10",
        "financial_status": "pending",
        "status_url": "https://harborline-goods.example/71930485562/orders/3b8e50c7d1f24a96"
        "/authenticate?key=77e1d20c9f",
        "test": False,
    }
    assert [(p["sku"], p["quantity"], p["discount"]) for p in event.data["products"]] == [
        ("HLG-THROW-MOSS", 1, 14.8),
        ("HLG-MUG-NAVY", 2, 4.9),
    ]


@pytest.mark.parametrize(
    ("name", "event_id", "occurred_at"),
    [
        ("orders.paid", "paid", "2026-11-17T13:12:04"),
        ("orders.updated", "updated:2026-11-17T15:40:26.000Z", "2026-11-17T15:40:26"),
        ("orders.cancelled", "cancelled", "2026-11-17T16:00:08"),
        (
            "orders.partially_fulfilled",
            "partially_fulfilled:5284417730921148102",
            "2026-11-18T14:02:15",
        ),
        ("orders.fulfilled", "fulfilled", "2026-11-18T18:20:33"),
    ],
)
def test_each_turn_of_an_order_has_its_id_and_its_time(
    name: str, event_id: str, occurred_at: str
) -> None:
    event = only(name)
    assert event.id == f"order:{ORDER}:{event_id}"
    assert event.occurred_at == utc(occurred_at)


def test_a_cancelled_order_says_why() -> None:
    assert only("orders.cancelled").data["reason"] == "customer"


def test_a_fulfilled_order_without_shipments_is_dated_by_its_update() -> None:
    sample = load("shopify", "orders.fulfilled").but(fulfillments=None)
    assert only(sample).occurred_at == utc("2026-11-18T18:20:35")


def test_an_order_is_addressed_by_the_first_usable_of_three_addresses() -> None:
    sample = load("shopify", "orders.create")
    contact = sample.but(email="n/a", contact_email="Desk@Example.org")
    assert only(contact).identifiers["email"] == "desk@example.org"
    customer = sample.but(email="", contact_email=None)
    assert only(customer).identifiers["email"] == "noor.haddad@example.com"


def test_a_guest_is_named_by_the_shipping_address() -> None:
    event = only("orders.create.guest")
    assert event.identifiers["email"] == "jonas@weidmann-tischlerei.example"
    assert "external_id" not in event.identifiers
    assert names_in(event) == ("Jonas", "Weidmann")
    assert event.contact.fields["locale"] == "de-DE"
    assert event.contact.properties == {"country": "DE", "city": "Lübeck"}
    assert event.contact.consents == ()


def test_a_guest_without_a_shipping_address_is_named_by_the_billing_address() -> None:
    event = only(load("shopify", "orders.create.guest").but(shipping_address=None))
    assert names_in(event) == ("Weidmann", "Tischlerei")


def test_a_customer_is_named_by_the_customer_record() -> None:
    sample = load("shopify", "orders.create")
    gift = {**sample.body["shipping_address"], "first_name": "Wren", "city": "Halifax"}
    event = only(sample.but(shipping_address=gift))
    assert names_in(event) == ("Noor", "Haddad")
    assert event.contact.properties == {"country": "CA", "city": "Lunenburg"}


def test_revenue_is_without_the_tax_that_prices_include() -> None:
    event = only("orders.create.guest")
    assert (event.data["subtotal"], event.data["tax"]) == (159.68, 25.5)
    assert event.data["revenue"] == 134.18
    assert event.data["currency"] == "CAD", "orders are in the currency of the shop"


def test_an_order_of_several_coupons_names_them_all() -> None:
    codes = [{"code": "WELCOME10"}, {"code": "FREESHIP"}]
    data = only(load("shopify", "orders.create").but(discount_codes=codes)).data
    assert (data["coupon"], data["coupons"]) == ("WELCOME10", ["WELCOME10", "FREESHIP"])


def test_a_test_order_and_a_test_notification_say_so() -> None:
    sample = load("shopify", "orders.create")
    assert only(sample.but(test=True)).data["test"] is True
    notification = Sample({**sample.headers, "x-shopify-test": "true"}, sample.body)
    assert only(notification).data["test"] is True
    cart = load("shopify", "carts.create")
    assert only(Sample({**cart.headers, "x-shopify-test": "true"}, cart.body)).data["test"] is True


def test_ids_beyond_what_a_double_can_hold_keep_every_digit() -> None:
    sample = load("shopify", "orders.create").but(id=18446744073709551615)
    event = only(json_round_trip(sample))
    assert event.identifiers["order"] == event.data["order_id"] == "18446744073709551615"


def test_the_global_id_of_an_order_is_the_same_order() -> None:
    sample = load("shopify", "orders.create").but(id=f"gid://shopify/Order/{ORDER}")
    assert only(sample) == only("orders.create")


def json_round_trip(sample: Sample) -> Sample:
    raw, headers = signed_shopify(sample, SECRET)
    return Sample(headers, json.loads(raw))


# Refunds and shipments


def test_a_refund_is_worth_what_was_paid_back() -> None:
    event = only("refunds.create")
    assert event.id == "refund:1049227718830561774"
    assert event.occurred_at == utc("2026-11-21T20:45:10")
    assert event.identifiers == {"order": ORDER}
    assert {k: v for k, v in event.data.items() if k != "products"} == {
        "refund_id": "1049227718830561774",
        "order_id": ORDER,
        "total": 25.14,
        "currency": "CAD",
    }
    assert [(p["sku"], p["quantity"]) for p in event.data["products"]] == [("HLG-MUG-NAVY", 1)]


def test_a_refund_that_names_no_payment_is_worth_its_lines() -> None:
    event = only(load("shopify", "refunds.create").but(transactions=[]))
    assert (event.data["total"], event.data["currency"]) == (25.14, "CAD")


@pytest.mark.parametrize("change", [{"status": "failure"}, {"kind": "void"}])
def test_a_payment_that_moved_no_money_back_is_not_counted(change: Mapping[str, str]) -> None:
    sample = load("shopify", "refunds.create")
    (payment,) = sample.body["transactions"]
    assert only(sample.but(transactions=[{**payment, **change}])).data["total"] == 0.0
    both = sample.but(transactions=[{**payment, **change}, payment])
    assert only(both).data["total"] == 25.14


def test_a_shipment_carries_every_parcel() -> None:
    event = only("fulfillments.create")
    assert event.id == "shipment:5284417730921148803:created"
    assert event.identifiers == {"email": "noor.haddad@example.com", "order": ORDER}
    assert {k: v for k, v in event.data.items() if k != "products"} == {
        "shipment_id": "5284417730921148803",
        "order_id": ORDER,
        "tracking_number": "7023210039414604",
        "tracking_numbers": ["7023210039414604", "7023210039414611"],
        "tracking_url": "https://tracking.example/canada-post?n=7023210039414604",
        "tracking_urls": [
            "https://tracking.example/canada-post?n=7023210039414604",
            "https://tracking.example/canada-post?n=7023210039414611",
        ],
        "carrier": "Canada Post",
        "status": "success",
    }
    assert len(event.data["products"]) == 2


def test_an_updated_shipment_is_a_new_event() -> None:
    event = only("fulfillments.update")
    assert event.id == "shipment:5284417730921148803:updated:2026-11-19T12:05:40.000Z"
    assert event.data["shipment_status"] == "in_transit"


def test_a_scan_of_the_carrier_is_one_event_per_status() -> None:
    event = only("fulfillment_events.create")
    assert event.name == "Shipment In Transit"
    assert event.id == "shipment:5284417730921148803:in_transit"
    assert event.occurred_at == utc("2026-11-19T12:05:38")
    assert event.identifiers == {"order": ORDER}
    assert event.data == {
        "shipment_id": "5284417730921148803",
        "order_id": ORDER,
        "status": "in_transit",
        "message": "Departed the Halifax sorting plant",
        "estimated_delivery_at": "2026-11-21T00:00:00.000Z",
    }


@pytest.mark.parametrize(("status", "name"), SHIPMENT_EVENTS.items())
def test_every_status_of_a_carrier_has_a_name(status: str, name: str) -> None:
    sample = load("shopify", "fulfillment_events.create")
    assert only(sample.but(status=status)).name == name
    assert only(sample.but(status=status.upper())).name == name


@pytest.mark.parametrize("status", ["teleported", "", None])
def test_an_unknown_status_is_counted_and_not_an_error(status: str | None) -> None:
    sample = load("shopify", "fulfillment_events.create").but(status=status)
    assert translate(sample) == Translation((), "unknown_status")


@pytest.mark.parametrize(
    "sample",
    [
        load("shopify", "refunds.create").but(order_id=None),
        load("shopify", "fulfillment_events.create").but(order_id=None),
        load("shopify", "fulfillments.create").but(order_id=None, email=""),
        load("shopify", "customers_email_marketing_consent.update").but(
            customer_id=None, email_address=None
        ),
    ],
)
def test_news_about_nobody_is_ignored(sample: Sample) -> None:
    assert translate(sample) == Translation((), "no_contact")


# Customers and consent


def test_a_new_customer_is_described() -> None:
    event = only("customers.create")
    assert event.id == "customer:9120475538120977218:created"
    assert event.identifiers == {
        "email": "maelle.tremblay@example.com",
        "external_id": "9120475538120977218",
    }
    assert names_in(event) == ("Maëlle", "Tremblay")
    assert event.contact.properties == {"tags": [], "total_spent": 0.0, "orders_count": 0}
    assert event.contact.consents == ()


def test_an_updated_customer_brings_tags_totals_home_and_consent() -> None:
    event = only("customers.update")
    assert event.id == "customer:9120475538120977218:updated:2026-11-18T22:31:06.000Z"
    assert event.identifiers["phone"] == "+14185550136"
    assert event.contact.properties == {
        "country": "CA",
        "city": "Rimouski",
        "tags": ["newsletter", "Bas-Saint-Laurent"],
        "total_spent": 61.25,
        "orders_count": 1,
    }
    assert event.contact.consents == (
        ConsentEvidence(
            state="granted",
            method="shopify",
            source="customers/update",
            at=utc("2026-11-18T22:30:52"),
            consent_text="confirmed_opt_in",
        ),
    )


def test_a_switched_account_is_one_event_per_switch() -> None:
    assert only("customers.enable").id.endswith(":enabled:2026-11-18T22:40:18.000Z")
    assert only("customers.disable").id.endswith(":disabled:2026-11-20T09:00:02.000Z")


def test_an_answer_about_mail_is_dated_evidence() -> None:
    granted = only("customers_email_marketing_consent.update")
    assert granted.data == {
        "customer_id": "9120475538120977218",
        "state": "subscribed",
        "opt_in_level": "confirmed_opt_in",
    }
    (fact,) = granted.contact.consents
    assert (fact.state, fact.at) == ("granted", utc("2026-11-18T22:30:52"))
    withdrawn = only("customers_email_marketing_consent.update.unsubscribed")
    (fact,) = withdrawn.contact.consents
    assert (fact.state, fact.at) == ("withdrawn", utc("2026-11-21T11:03:29"))
    assert fact.source == "customers_email_marketing_consent/update"


@pytest.mark.parametrize("state", ["not_subscribed", "pending", "redacted", "invalid", "novel"])
def test_a_state_that_is_no_answer_grants_and_withdraws_nothing(state: str) -> None:
    sample = load("shopify", "customers_email_marketing_consent.update")
    event = only(sample.but(email_marketing_consent={"state": state}))
    assert event.data["state"] == state
    assert event.contact.consents == ()


def test_an_undated_answer_is_told_at_its_trigger_time_and_stays_undated() -> None:
    sample = load("shopify", "customers_email_marketing_consent.update")
    event = only(sample.but(email_marketing_consent={"state": "UNSUBSCRIBED"}))
    assert event.occurred_at == utc("2026-11-18T22:30:53.617330")
    (fact,) = event.contact.consents
    assert (fact.state, fact.at) == ("withdrawn", None)


def test_a_subscribed_buyer_brings_the_consent_with_its_date() -> None:
    (fact,) = only("orders.create").contact.consents
    assert fact == ConsentEvidence(
        state="granted",
        method="shopify",
        source="orders/create",
        at=utc("2026-11-17T13:08:30"),
        consent_text="single_opt_in",
    )


def buyer_with(state: str | None, *, ticked: bool | None, email: str = "") -> Sample:
    """Noor's order with another consent, tick and, if given, another address than her record's."""
    sample = load("shopify", "orders.create")
    consent = {"state": state, "consent_updated_at": "2026-05-05T10:00:00-03:00"}
    customer = {**sample.body["customer"], "email_marketing_consent": state and consent}
    return sample.but(
        customer=customer,
        buyer_accepts_marketing=ticked,
        email=email or sample.body["email"],
    )


def test_a_tick_in_the_checkout_is_a_grant_without_a_date() -> None:
    for state in (None, "not_subscribed"):
        (fact,) = only(buyer_with(state, ticked=True)).contact.consents
        assert (fact.state, fact.at, fact.consent_text) == ("granted", None, None)


@pytest.mark.parametrize("ticked", [False, None])
def test_no_tick_says_nothing(ticked: bool | None) -> None:
    assert only(buyer_with(None, ticked=ticked)).contact.consents == ()


def test_a_tick_does_not_outweigh_a_withdrawal() -> None:
    (fact,) = only(buyer_with("unsubscribed", ticked=True)).contact.consents
    assert fact.state == "withdrawn"


def test_a_grant_for_one_address_does_not_cover_another() -> None:
    other = "noor@work.example"
    assert only(buyer_with("subscribed", ticked=False, email=other)).contact.consents == ()
    (fact,) = only(buyer_with("unsubscribed", ticked=False, email=other)).contact.consents
    assert fact.state == "withdrawn"


def test_a_tick_without_an_address_says_nothing() -> None:
    sample = load("shopify", "checkouts.create.anonymous").but(buyer_accepts_marketing=True)
    assert only(sample).contact.consents == ()


# Time


def test_local_offsets_become_utc() -> None:
    sample = load("shopify", "orders.create").but(created_at="2026-11-17T23:30:00+05:45")
    assert only(sample).occurred_at == utc("2026-11-17T17:45:00")


def test_a_time_ahead_of_ours_is_believed_for_ten_minutes() -> None:
    sample = load("shopify", "orders.create")
    created = utc("2026-11-17T13:11:40")
    assert only(sample, created - timedelta(minutes=10)).occurred_at == created
    received_at = created - timedelta(minutes=10, seconds=1)
    assert only(sample, received_at).occurred_at == received_at


def test_a_consent_from_the_future_does_not_outrank_later_answers() -> None:
    sample = load("shopify", "customers_email_marketing_consent.update")
    consent = {"state": "subscribed", "consent_updated_at": "2999-01-01T00:00:00Z"}
    (fact,) = only(sample.but(email_marketing_consent=consent)).contact.consents
    assert fact.at is None  # undated evidence never outranks an answer


# What is malformed


@pytest.mark.parametrize(
    ("name", "fields", "place"),
    [
        ("carts.create", {"token": None}, "token"),
        ("carts.create", {"updated_at": "2026-11-17T09:06:02"}, "updated_at"),
        ("checkouts.create", {"token": ""}, "token"),
        ("checkouts.create", {"created_at": None}, "created_at"),
        ("checkouts.create", {"line_items": [{"price": "a lot"}]}, "line_items[0].price"),
        ("checkouts.create", {"line_items": {}}, "line_items"),
        ("orders.create", {"id": True}, "id"),
        ("orders.create", {"id": 6.120884573390218e18}, "id"),
        ("orders.create", {"id": "line\nbreak"}, "id"),
        ("orders.create", {"total_price": "NaN"}, "total_price"),
        ("orders.create", {"total_price": "Infinity"}, "total_price"),
        ("orders.create", {"total_price": "1e999"}, "total_price"),
        ("orders.create", {"total_price": True}, "total_price"),
        ("orders.create", {"created_at": 1763384700}, "created_at"),
        ("orders.create", {"created_at": "0001-01-01T00:00:00+05:00"}, "created_at"),
        ("orders.create", {"customer": {"email": ["a@example.com"]}}, "customer.email"),
        ("orders.create", {"customer": "Noor"}, "customer"),
        ("refunds.create", {"created_at": None}, "created_at"),
        ("fulfillments.create", {"created_at": None, "updated_at": None}, "created_at"),
        ("fulfillments.update", {"updated_at": None}, "updated_at"),
        ("fulfillment_events.create", {"happened_at": None, "created_at": None}, "happened_at"),
        ("customers.update", {"id": None}, "id"),
        ("customers.update", {"updated_at": None}, "updated_at"),
    ],
)
def test_a_malformed_body_is_refused_with_its_place(
    name: str, fields: Mapping[str, Any], place: str
) -> None:
    with pytest.raises(WebhookError) as refused:
        translate(load("shopify", name).but(**fields))
    assert refused.value.field == place
    assert refused.value.reason
    assert str(refused.value) == f"{place}: {refused.value.reason}"


def test_a_body_that_is_no_object_is_refused() -> None:
    headers = load("shopify", "orders.create").headers
    bodies: list[Any] = [[], "order", None]
    for body in bodies:
        with pytest.raises(WebhookError, match="the body: must be a JSON object"):
            translate(Sample(headers, body))


def test_half_a_surrogate_pair_is_replaced_by_something_that_can_be_stored() -> None:
    sample = load("shopify", "orders.create").but(name=json.loads(r'"#1204 \ud83d"'))
    assert only(sample).data["name"] == "#1204 ?"


def test_a_refusal_does_not_repeat_personal_data() -> None:
    canary = "canary@example.com"
    for fields in (
        {"created_at": canary},
        {"total_price": canary},
        {"customer": canary},
        {"customer": {"email": {"address": canary}}},
        {"buyer_accepts_marketing": canary},
        {"line_items": [{"quantity": canary}]},
        {"id": canary + "\n"},
    ):
        sample = load("shopify", "orders.create").but(**fields)
        try:
            translate(sample)
        except WebhookError as refused:
            assert "canary" not in str(refused)
            assert refused.__suppress_context__


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if at:
        yield at
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*at, index))


BODIES = {name: load("shopify", name) for name in SAMPLES}
PLACES = {name: list(paths(sample.body)) for name, sample in BODIES.items()}
junk: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(alphabet="\ud800\udfffa@.", max_size=8),
    st.sampled_from(["", "1e400", "-1", "2026-11-17", "9999-12-31T23:59:59-12:00", [], [None], {}]),
)


@given(st.data())
def test_any_value_at_any_place_is_translated_or_refused_and_never_crashes(
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(SAMPLES))
    place = data.draw(st.sampled_from(PLACES[name]))
    body: Any = deepcopy(BODIES[name].body)
    *way, last = place
    target = body
    for step in way:
        target = target[step]
    target[last] = data.draw(junk)
    try:
        translation = translate(Sample(BODIES[name].headers, body))
    except WebhookError:
        return
    assert bool(translation.events) != bool(translation.ignored)
    for event in translation.events:
        assert event.identifiers
        assert event.occurred_at <= LATER + timedelta(minutes=10)
        assert encode_body(event).encode()
        assert decode_body(encode_body(event)) == (event.identifiers, event.data, event.contact)
