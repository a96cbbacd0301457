"""What Shopify demands of every app, read out of its deliveries."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.contacts.event import IdentifierKind
from milepost.shops.platform import ComplianceRequest, WebhookError
from milepost.shops.shopify.compliance import read_compliance_request
from milepost.shops.shopify.headers import COMPLIANCE
from milepost.shops.shopify.translate import TOPICS
from tests.support.events import load, names

SHOP = "harborline-goods.myshopify.com"
WHO: tuple[tuple[IdentifierKind, str], ...] = (
    ("email", "shopper@mail.example"),
    ("external_id", "8123456789012345"),
    ("phone", "+15555550123"),
    ("order", "5820985163834"),
)
EXPECTED = {
    "customers.data_request": ComplianceRequest("export", WHO, SHOP, "9999"),
    "customers.redact": ComplianceRequest("erase", WHO, SHOP, None),
    "shop.redact": ComplianceRequest("erase_store", (), SHOP, None),
}
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "email", "phone", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_every_demand_is_read_with_all_that_it_names() -> None:
    assert {
        name: read_compliance_request(name.replace(".", "/"), load("shopify_compliance", name).body)
        for name in names("shopify_compliance")
    } == EXPECTED


def test_no_topic_is_both_news_and_a_demand() -> None:
    assert not TOPICS.keys() & COMPLIANCE.keys()


@pytest.mark.parametrize("body", [{}, {"customer": None}, {"customer": {"email": "none"}}])
def test_a_demand_names_somebody(body: dict[str, Any]) -> None:
    with pytest.raises(WebhookError, match="names nobody"):
        read_compliance_request("customers/redact", body)


@given(
    st.sampled_from(sorted(COMPLIANCE)),
    st.dictionaries(
        st.sampled_from(
            ["customer", "orders_requested", "orders_to_redact", "data_request", "shop_domain"]
        ),
        json,
    )
    | json,
)
def test_whatever_is_in_a_body_it_is_read_or_refused(topic: str, body: Any) -> None:
    try:
        read = read_compliance_request(topic, body)
    except WebhookError:
        return
    assert (read.kind == "erase_store") is (read.identifiers == ())
