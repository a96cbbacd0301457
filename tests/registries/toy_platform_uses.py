"""What a new platform and its keys come to; see `toy_platform.py`."""

import json
from typing import Any

import pytest

from functions.contacts.app import handler as contacts
from functions.react.app import handler as react
from functions.trigger_webhook.app import handler
from local.stack.store_keys import StoreSecrets
from milepost.contacts.event import contact_id, trusted
from milepost.wiring import core
from milepost_tools.doctor.stack import Secret, check_secrets
from milepost_tools.openapi.document import document
from tests.registries.toy_platform import signature
from tests.support.aws_events import posted
from tests.support.builders import event
from tests.support.cloud import EMAIL, FIRST_NAME, Cloud, Shop
from tests.support.port_recorder import Caller

Json = dict[str, Any]
TOKEN = "corner-token-canary"
SALE = {"mail": EMAIL, "who": FIRST_NAME, "total": 42, "number": 7}


@pytest.fixture
def store(cloud: Cloud) -> Shop:
    return cloud.open_shop(corner_token=TOKEN, corner_token_previous="older", corner_shop="Bergen")


def call(store: Shop, body: Any, topic: str = "sold", secret: str = TOKEN) -> tuple[int, Json]:
    raw = json.dumps(body).encode()
    signed = signature(raw, topic, secret)
    headers = {"Corner-Topic": topic, "Corner-Id": "d-1", "Corner-Signature": signed}
    answer = handler(posted("webhook.post", raw, headers, store=store.store, source="corner"), None)
    return answer["statusCode"], json.loads(answer["body"])


def test_a_delivery_becomes_an_event_of_a_contact(store: Shop) -> None:
    status, body = call(store, SALE)
    assert (status, body["status"]) == (200, "accepted")
    assert call(store, SALE)[1]["results"][0]["id"] == "sale:7"
    (item, *_) = store.events("Order Completed")
    assert item["source"]["S"] == "corner"
    react(store.cloud.stream(item), None)
    read = Caller(contacts, store.store, store.signing)
    contact = contact_id(store.store, "email", EMAIL)
    known = read("GET /v1/{store}/contacts/{contact}", contact=contact).body
    assert (known["first_name"], known["events"]["Order Completed"]["count"]) == (FIRST_NAME, 1)


def test_both_live_secrets_sign_and_no_other(store: Shop, shop: Shop) -> None:
    assert call(store, SALE, secret="older")[0] == 200
    for other in ("wrong", store.shopify, store.signing):
        status, body = call(store, SALE, secret=other)
        assert (status, body["error"]["code"]) == (401, "bad_signature")
    status, body = call(shop, SALE)
    assert (status, body["error"]["code"]) == (503, "no_secret")
    assert "corner-token" in body["error"]["message"]


@pytest.mark.parametrize(
    ("body", "topic", "reason"),
    [
        (SALE, "restocked", "unknown_topic"),
        ({}, "sold", "unreadable"),
        ({"mail": None}, "sold", "no_contact"),
    ],
)
def test_what_is_genuine_and_of_no_use_is_acknowledged(
    store: Shop, body: Json, topic: str, reason: str
) -> None:
    status, answer = call(store, body, topic)
    assert (status, answer["status"], answer["reason"]) == (200, "ignored", reason)
    assert store.events() == []


def test_a_request_of_the_right_shop_is_met(store: Shop) -> None:
    call(store, SALE)
    other = call(store, {"mail": EMAIL, "shop": "oslo"}, "forget")[1]
    assert other["reason"] == "other_shop"
    status, answer = call(store, {"mail": EMAIL, "shop": "bergen"}, "forget")
    assert (status, answer["status"]) == (200, "accepted")
    (kept,) = [i for i in store.cloud.contacts() if answer["request"] in json.dumps(i)]
    assert "corner R-1" in json.dumps(kept)


def test_its_keys_are_read_made_and_checked(store: Shop) -> None:
    keys = core.secrets().of(store.store)
    assert keys is not None
    assert keys.platforms["corner-token"] == (TOKEN, "older")
    assert keys.platforms["corner-shop"] == ("Bergen",)
    assert "corner-token" in StoreSecrets.make().parameters()
    held = [
        Secret("link-key", True, 64),
        Secret("corner-token", True, 40),
        Secret("corner-shop", False, 5),
    ]
    (found,) = check_secrets({"acme": held}, "milepost")
    assert str(found) == "secrets of acme: OK: there are keys for Corner's webhooks, links in mails"
    (found,) = check_secrets({"acme": [held[0], held[1]._replace(length=8)]}, "milepost")
    assert "corner-token has 8 characters" in str(found)


def test_its_events_may_name_a_person() -> None:
    assert trusted(event(source="corner"))
    assert not trusted(event(source="woocommerce"))


def test_the_openapi_document_describes_it() -> None:
    described = document()
    assert described["components"]["securitySchemes"]["corner"] == {
        "type": "apiKey",
        "in": "header",
        "name": "Corner-Signature",
        "description": "The hex HMAC-SHA256 of topic and body.",
    }
    operation = described["paths"]["/v1/{store}/webhooks/{source}"]["post"]
    assert {"corner": []} in operation["security"]
    (source,) = [each for each in operation["parameters"] if each["name"] == "source"]
    assert source["schema"]["enum"] == ["shopify", "corner"]
