"""The shop of the demo. It sends signed webhooks exactly as Shopify does.

The bodies are the project's samples of real deliveries, with all their fields. People, times and
ids are replaced for each shopper.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

from local.aws import REPOSITORY
from local.demo.shoppers import STORE, Shopper
from local.errors import LocalError

_SAMPLES = REPOSITORY / "tests" / "events" / "shopify"
_TIMEOUT = 30


class Shop:
    """Posts webhooks to the stack's API."""

    def __init__(self, api_url: str, secret: str) -> None:
        self._address = f"{api_url}/v1/{STORE}/webhooks/shopify"
        self._secret = secret

    def opens_account(self, shopper: Shopper, now: datetime) -> None:
        body = _sample("customers.create")
        _describe(body, shopper, now)
        body["email_marketing_consent"] = _consent(now)
        body["default_address"] = {"country_code": "TW", "city": "Taipei"}
        body |= {"created_at": _seconds(now), "updated_at": _seconds(now)}
        self._post("customers/create", body, now)

    def begins_checkout(self, shopper: Shopper, now: datetime) -> dict[str, Any]:
        body = _sample("checkouts.create")
        _describe(body["customer"], shopper, now)
        body["customer"]["email_marketing_consent"] = _consent(now)
        body |= {
            "id": 38810452297713000 + shopper.number,
            "token": _token("checkout", shopper),
            "cart_token": _token("cart", shopper),
            "email": shopper.email,
            "customer_locale": shopper.locale,
            "buyer_accepts_marketing": True,
            "created_at": _seconds(now),
            "updated_at": _seconds(now),
            "currency": "USD",
            "presentment_currency": "USD",
            "abandoned_checkout_url": "https://shop.example.com/checkouts/"
            f"{_token('checkout', shopper)}/recover?key=demo",
        }
        self._post("checkouts/create", body, now)
        return body

    def repeats(self, topic: str, body: dict[str, Any], now: datetime) -> None:
        """Deliver the same webhook again, as Shopify does after a lost answer."""
        self._post(topic, body, now)

    def takes_order(self, shopper: Shopper, now: datetime) -> None:
        body = _sample("orders.create")
        _describe(body["customer"], shopper, now)
        body |= {
            "id": 6120884573390217000 + shopper.number,
            "checkout_token": _token("checkout", shopper),
            "cart_token": _token("cart", shopper),
            "email": shopper.email,
            "contact_email": shopper.email,
            "customer_locale": shopper.locale,
            "created_at": _seconds(now),
            "processed_at": _seconds(now),
            "updated_at": _seconds(now),
            "currency": "USD",
        }
        self._post("orders/create", body, now)

    def _post(self, topic: str, body: dict[str, Any], now: datetime) -> None:
        raw = json.dumps(body, ensure_ascii=False).encode()
        digest = hmac.new(self._secret.encode(), raw, hashlib.sha256).digest()
        headers = {
            "content-type": "application/json",
            "user-agent": "Shopify-Captain-Hook",
            "x-shopify-api-version": "2024-10",
            "x-shopify-hmac-sha256": b64encode(digest).decode(),
            "x-shopify-shop-domain": "harbor-and-pine.myshopify.com",
            "x-shopify-test": "false",
            "x-shopify-topic": topic,
            "x-shopify-triggered-at": now.isoformat().replace("+00:00", "Z"),
            "x-shopify-webhook-id": str(uuid5(NAMESPACE_URL, raw.decode())),
        }
        answer = httpx.post(self._address, content=raw, headers=headers, timeout=_TIMEOUT)
        if answer.status_code != httpx.codes.OK:
            raise LocalError(f"{topic} was answered with {answer.status_code}: {answer.text}")


def _sample(topic: str) -> dict[str, Any]:
    document = json.loads((_SAMPLES / f"{topic}.json").read_text("utf-8"))
    body: dict[str, Any] = deepcopy(document["body"])
    return body


def _describe(customer: dict[str, Any], shopper: Shopper, now: datetime) -> None:
    customer |= {
        "id": 9120475538120940000 + shopper.number,
        "email": shopper.email,
        "first_name": shopper.name,
        "last_name": shopper.family,
        "locale": shopper.locale,
        "phone": None,
        "updated_at": _seconds(now),
    }


def _consent(now: datetime) -> dict[str, str]:
    return {
        "state": "subscribed",
        "opt_in_level": "single_opt_in",
        "consent_updated_at": _seconds(now),
    }


def _token(kind: str, shopper: Shopper) -> str:
    return hashlib.sha256(f"{kind} of {shopper.email}".encode()).hexdigest()[:32]


def _seconds(instant: datetime) -> str:
    return instant.replace(microsecond=0).isoformat()
