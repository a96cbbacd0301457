"""POST /v1/{store}/webhooks/{source}: what Shopify sends, signed as Shopify signs it."""

import json
from base64 import b64encode
from hashlib import sha256
from hmac import digest
from typing import Any

import pytest

from functions.trigger_webhook.app import handler
from milepost.contacts.event import decode_body
from milepost.shops.shopify.translate import TOPICS
from tests.support.aws_events import posted
from tests.support.cloud import EMAIL, FIRST_NAME, Cloud, Printed, Shop
from tests.support.events import Sample, load, names, signed_shopify

Json = dict[str, Any]
CHECKOUT = load("shopify", "checkouts.create").but(email=EMAIL)


def call(request: Json) -> tuple[int, Any]:
    response = handler(request, None)
    assert response["headers"]["content-type"] == "application/json"
    return response["statusCode"], json.loads(response["body"])


def delivered(shop: Shop, sample: Sample, secret: str = "", *, as_base64: bool = False) -> Json:
    raw, headers = signed_shopify(sample, secret or shop.shopify)
    return posted(
        "webhook.post", raw, headers, as_base64=as_base64, store=shop.store, source="shopify"
    )


def signed(shop: Shop, body: bytes, topic: str) -> Json:
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": b64encode(digest(shop.shopify.encode(), body, sha256)).decode(),
    }
    return posted("webhook.post", body, headers, as_base64=True, store=shop.store, source="shopify")


def refused(request: Json, status: int, code: str) -> None:
    got, body = call(request)
    assert (got, body["error"]["code"]) == (status, code)
    assert body["error"].keys() == {"code", "message", "field"}


def test_a_checkout_becomes_an_event_on_the_timeline_of_its_shopper(shop: Shop) -> None:
    status, body = call(delivered(shop, CHECKOUT))
    assert status == 200
    assert [r["event"] for r in body["results"]] == ["Checkout Started"]
    assert [r["status"] for r in body["results"]] == ["accepted"]
    (item,) = shop.events("Checkout Started")
    identifiers, _, _ = decode_body(item["body"]["S"])
    assert identifiers["email"] == EMAIL


def test_a_redelivery_is_a_duplicate(shop: Shop) -> None:
    call(delivered(shop, CHECKOUT))
    status, body = call(delivered(shop, CHECKOUT))
    assert (status, [r["status"] for r in body["results"]]) == (200, ["duplicate"])
    assert len(shop.events()) == 1


def test_a_body_in_base64_has_the_same_signature(shop: Shop) -> None:
    assert call(delivered(shop, CHECKOUT, as_base64=True))[0] == 200
    assert len(shop.events()) == 1


def test_both_families_of_headers_are_understood(shop: Shop) -> None:
    assert "x-shopify-topic" in CHECKOUT.headers
    newer = load("shopify", "checkouts.create.unprefixed").but(email=EMAIL)
    assert "shopify-topic" in newer.headers
    assert call(delivered(shop, newer))[1]["results"][0]["status"] == "accepted"


@pytest.mark.parametrize("name", names("shopify"))
def test_every_kind_of_delivery_is_acknowledged(shop: Shop, name: str) -> None:
    assert call(delivered(shop, load("shopify", name)))[0] == 200


@pytest.mark.parametrize("raw", [b'{"id": 1}', b"", b"no JSON", b"\xff", b"[" * 30 + b"]" * 30])
def test_a_topic_we_have_no_use_for_is_acknowledged_and_counted(
    shop: Shop, printed: Printed, raw: bytes
) -> None:
    status, body = call(signed(shop, raw, "themes/publish"))
    assert (status, body) == (200, {"status": "ignored", "reason": "unknown_topic"})
    assert printed.counted("WebhooksIgnored") == 1
    assert shop.events() == []


@pytest.mark.parametrize("topic", sorted(TOPICS))
@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'"text"', b"7", b'{"id": []}'])
def test_a_genuine_body_we_cannot_read_is_acknowledged_and_counted(
    shop: Shop, printed: Printed, topic: str, body: bytes
) -> None:
    """Shopify deletes a subscription after eight refusals; a refusal would help nobody."""
    status, answer = call(signed(shop, body, topic))
    assert (status, answer["status"]) == (200, "ignored")
    assert printed.counted("WebhooksUnreadable") + printed.counted("WebhooksIgnored") == 1
    assert shop.events() == []


def test_half_a_character_in_a_genuine_body_loses_no_event(shop: Shop) -> None:
    """A note that some script cut in the middle of an emoji is still in every retry."""
    text = json.dumps({**CHECKOUT.body, "note": "wrapped, please "}, ensure_ascii=False)
    cut = text.replace("wrapped, please ", "wrapped, please \\ud83d").encode()
    status, body = call(signed(shop, cut, "checkouts/create"))
    assert (status, body["status"]) == (200, "accepted")
    assert len(shop.events("Checkout Started")) == 1


def test_a_genuine_body_that_is_not_json_is_refused(shop: Shop) -> None:
    refused(signed(shop, b"{", "checkouts/create"), 400, "bad_json")
    refused(signed(shop, b"[" * 10_000, "checkouts/create"), 400, "bad_json")


@pytest.mark.parametrize("secret", ["wrong", " "])
def test_a_wrong_signature_is_refused(shop: Shop, secret: str) -> None:
    refused(delivered(shop, CHECKOUT, secret), 401, "bad_signature")
    assert shop.events() == []


@pytest.mark.parametrize(
    "header", [None, "", "=", "!!!", "ä", "AAAA", b64encode(b"\0" * 32).decode(), "A" * 9000]
)
def test_a_signature_that_is_none_is_refused(shop: Shop, header: str | None) -> None:
    request = delivered(shop, CHECKOUT)
    del request["headers"]["x-shopify-hmac-sha256"]
    if header is not None:
        request["headers"]["x-shopify-hmac-sha256"] = header
    refused(request, 401, "bad_signature")
    assert shop.events() == []


def test_a_right_signature_on_another_body_is_refused(shop: Shop) -> None:
    genuine = delivered(shop, CHECKOUT)
    other, _ = signed_shopify(CHECKOUT.but(email="eve@mail.example"), shop.shopify)
    refused(genuine | {"body": other.decode()}, 401, "bad_signature")


def test_the_previous_secret_is_live_until_it_is_taken_away(cloud: Cloud) -> None:
    shop = cloud.open_shop(shopify_secret_previous="the old secret")
    assert call(delivered(shop, CHECKOUT, "the old secret"))[0] == 200
    assert call(delivered(shop, CHECKOUT))[0] == 200


def test_a_store_without_a_shopify_secret_is_closed(cloud: Cloud) -> None:
    """An empty secret signs as well as any other; this store takes none at all."""
    shop = cloud.open_shop(shopify_secret=None)
    request = delivered(shop, CHECKOUT, "anything")
    refused(request, 503, "no_secret")
    forged = digest(b"", request["body"].encode(), sha256)
    request["headers"]["x-shopify-hmac-sha256"] = b64encode(forged).decode()
    refused(request, 503, "no_secret")
    assert shop.events() == []


@pytest.mark.parametrize("store", ["nobody", "../shop-1", "SHOP", "a#b", ""])
def test_a_store_that_there_is_not_is_not_found(shop: Shop, store: str) -> None:
    request = delivered(shop, CHECKOUT)
    request["pathParameters"]["store"] = store
    refused(request, 404, "unknown_store")


@pytest.mark.parametrize("source", ["", "stripe", "Shopify", "../shopify"])
def test_a_source_that_there_is_not_is_not_found(shop: Shop, source: str) -> None:
    request = delivered(shop, CHECKOUT)
    request["pathParameters"]["source"] = source
    refused(request, 404, "unknown_source")


def test_a_body_of_more_than_1_mb_is_refused(shop: Shop) -> None:
    refused(signed(shop, b"x" * (1024 * 1024 + 1), "checkouts/create"), 413, "body_too_large")


def test_a_key_for_events_signs_no_webhooks(shop: Shop) -> None:
    refused(delivered(shop, CHECKOUT, shop.signing), 401, "bad_signature")


def test_what_a_customer_is_called_stays_out_of_the_log(shop: Shop, printed: Printed) -> None:
    customer = load("shopify", "customers.create")
    body = {**customer.body, "email": EMAIL, "first_name": FIRST_NAME}
    assert call(delivered(shop, Sample(customer.headers, body)))[0] == 200
    unreadable = Sample(customer.headers, {**body, "created_at": EMAIL, "updated_at": FIRST_NAME})
    assert call(delivered(shop, unreadable))[0] == 200
    assert printed.leaked() == []
