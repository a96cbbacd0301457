"""The API, fuzzed with its own description: no call fails, and every answer is described.

The examples are the same in every run, as in all tests. `HYPOTHESIS_PROFILE=search` generates new
ones.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from hmac import digest
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from milepost.contacts.event import contact_id
from milepost.privacy.request import request_id
from milepost_tools.openapi.document import document
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Cloud, Shop
from tests.support.handlers import run, tell, upload
from tests.support.laws import how_many
from tests.support.wsgi import Gateway

Json = dict[str, Any]
EXAMPLES = 15
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class Keys:
    """Authenticates every call: the tests fuzz what comes after authentication."""

    shop: Shop

    def __call__(self, event: Json) -> None:
        headers = event["headers"]
        headers["authorization"] = f"Bearer {self.shop.bearer}"
        headers.pop("milepost-signature", None)
        body = b64decode(event["body"])
        hmac = b64encode(digest(self.shop.shopify.encode(), body, sha256)).decode()
        headers["x-shopify-hmac-sha256"] = hmac


KEYS = Keys()
SCHEMA = schemathesis.openapi.from_wsgi("/openapi.json", Gateway(document(), KEYS))


@pytest.fixture(scope="module")
def arena(cloud: Cloud) -> Iterator[Shop]:
    """A store with one contact's full history, so that every route has something to read."""
    shop = cloud.open_shop(browser_key="browser-canary")
    upload(shop, files_of(cart=workflow(send("first"))))
    tell(shop, "Checkout Started", {"total": 150})
    run(shop, "cart", "first")
    shop.settings(forms={"footer": {"topics": ["news"], "consent_text": {"en": "Yes, please."}}})
    KEYS.shop = shop
    yield shop


def known(shop: Shop, case: schemathesis.Case[Any]) -> Json:
    """Path parameters. Every second contact and link is one that exists."""
    given = dict(case.path_parameters or {})
    there = {
        "store": shop.store,
        "contact": contact_id(shop.store, "email", EMAIL),
        "token": shop.token(contact_id(shop.store, "email", EMAIL)),
        "request": request_id("none"),
        "form": "footer",
    }
    lucky = sha256(repr(sorted(given.items())).encode()).digest()[0] % 4 > 0
    if lucky:
        return {name: there.get(name, value) for name, value in given.items()}
    return given | {"store": shop.store}


def with_somebody(body: Any) -> Any:
    """The same body, about an existing contact if it is about a contact at all."""
    if not isinstance(body, dict):
        return body
    inner = {name: with_somebody(value) for name, value in body.items()}
    there = {"email": EMAIL, "key": "browser-canary", "device": str(UUID(int=7, version=4))}
    return inner | {n: v for n, v in there.items() if isinstance(body.get(n), str)}


@SCHEMA.parametrize()
@settings(
    max_examples=how_many(EXAMPLES),
    deadline=None,
    suppress_health_check=[*HealthCheck],
)
def test_fuzzed_call_never_fails_and_answer_matches_openapi(
    arena: Shop, case: schemathesis.Case[Any]
) -> None:
    case.path_parameters = known(arena, case)
    case.body = with_somebody(case.body)
    case.call_and_validate(checks=CHECKS)
