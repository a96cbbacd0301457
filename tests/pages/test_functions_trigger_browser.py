"""POST /v1/{store}/browser, and the script that posts there."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.react.app import handler as react
from functions.trigger_browser.app import handler
from milepost.contacts.event import contact_id
from milepost.contacts.event_names import ALLOWED
from milepost.sending.links import DeviceLink, seal_visit
from milepost.wiring import tables
from tests.support.cloud import EMAIL, Cloud, Printed, Shop
from tests.support.handlers import tell
from tests.support.json_strategy import documents
from tests.support.laws import how_many
from tests.support.visitors import DEVICE, PAGE, request

Json = dict[str, Any]
KEY = "browser-canary-public"
OTHER_DEVICE = "1f8b1c1e-6a52-4d0b-9a51-0c4a1f6f2d10"


@pytest.fixture
def shop(cloud: Cloud) -> Shop:
    opened = cloud.open_shop(browser_key=KEY)
    opened.settings()
    return opened


def viewed(id_: str = "e-1", name: str = "Product Viewed", **properties: Any) -> Json:
    return {"id": id_, "name": name, "properties": properties}


def report(
    shop: Shop, *events: Any, origin: str | None = PAGE, ip: str = "203.0.113.24", **changes: Any
) -> Json:
    document = {"key": KEY, "device": DEVICE, "events": list(events), **changes}
    headers = {"content-type": "text/plain;charset=UTF-8"} | ({"origin": origin} if origin else {})
    return request("events.post", "POST", json.dumps(document), headers, ip, store=shop.store)


def call(http_request: Json) -> tuple[int, Any]:
    response = handler(http_request, None)
    return response["statusCode"], json.loads(response["body"] or "null")


def status_of(http_request: Json) -> int:
    status: int = handler(http_request, None)["statusCode"]
    return status


def bodies(shop: Shop) -> list[Json]:
    return [json.loads(item["body"]["S"]) for item in shop.events()]


def pass_on(shop: Shop) -> None:
    react(shop.cloud.stream(*shop.events()), None)


def ann(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


# --- what is taken ---


def test_browsing_event_is_on_timeline_of_device(shop: Shop) -> None:
    assert call(report(shop, viewed(sku="A-1"), viewed("e-2", "Page Viewed"))) == (
        202,
        {"status": "accepted"},
    )
    assert bodies(shop) == [
        {"identifiers": {"device": DEVICE}, "data": {}, "contact": {}},
        {"identifiers": {"device": DEVICE}, "data": {"sku": "A-1"}, "contact": {}},
    ]
    assert {item["source"]["S"] for item in shop.events()} == {"browser"}


FORBIDDEN = [
    "Order Completed",
    "Checkout Started",
    "Form Submitted",
    "Opt-In Requested",
    "Unsubscribed",
    "Email Clicked",
    "Contact Updated",
    "List Joined",
    "Workflow Started",
    "Device Identified",
    "product viewed",
    "Product Viewed ",
    "",
    "Score Changed",
]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_other_event_names_are_dropped(shop: Shop, printed: Printed, name: str) -> None:
    """The answer does not say so, and so reveals nothing."""
    assert call(report(shop, viewed(name=name, total=1))) == (202, {"status": "accepted"})
    assert shop.events() == []
    assert printed.counted("BrowserEventsIgnored") == 1


def test_report_cannot_set_contact_data(shop: Shop) -> None:
    event = viewed(sku="A-1", _emitted_by={"workflow": "x", "chain_depth": 0}) | {
        "contact": {"email": EMAIL, "first_name": "Mallory", "consent": [{"topic": "offers"}]},
        "identifiers": {"email": EMAIL},
        "email": EMAIL,
        "occurred_at": "2001-01-01T00:00:00Z",
        "source": "api",
    }
    call(report(shop, event, contact={"email": EMAIL}, email=EMAIL))
    (body,) = bodies(shop)
    assert body == {"identifiers": {"device": DEVICE}, "data": {"sku": "A-1"}, "contact": {}}
    assert shop.events()[0]["at"]["S"] > "2026"


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "x",
        {},
        {"name": "Page Viewed"},
        viewed(""),
        viewed("x" * 65),
        viewed("é"),
        viewed("a#b"),
        viewed("a\nb"),
        viewed(x="y" * 9000),
        {**viewed(), "properties": []},
        {**viewed(), "id": 7},
        {**viewed(), "name": ["Page Viewed"]},
    ],
)
def test_invalid_event_is_dropped_and_others_are_stored(shop: Shop, event: Any) -> None:
    assert call(report(shop, event, viewed("good")))[0] == 202
    assert [item["id"]["S"] for item in shop.events()] == ["good"]


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"device": "1"}, 422, "device"),
        ({"device": "customer-7"}, 422, "device"),
        ({"device": DEVICE.upper()}, 422, "device"),
        ({"device": ""}, 422, "device"),
        ({"device": [DEVICE]}, 422, "device"),
        ({"events": {}}, 422, "events"),
        ({"events": [viewed()] * 21}, 422, "events"),
    ],
)
def test_malformed_report_is_rejected(shop: Shop, changes: Json, status: int, field: str) -> None:
    found = call(report(shop, **changes))
    assert (found[0], found[1]["error"]["field"]) == (status, field)


@pytest.mark.parametrize("body", ["", "[]", "{", "nonsense", '"x"'])
def test_body_that_is_not_an_object_is_rejected(shop: Shop, body: str) -> None:
    assert status_of(request("events.post", "POST", body, {}, store=shop.store)) == 400


def test_report_larger_than_beacon_is_rejected(shop: Shop) -> None:
    assert status_of(report(shop, viewed(x="y" * 70_000))) == 413


@settings(
    max_examples=how_many(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=st.lists(documents, max_size=4), more=st.dictionaries(st.text(), documents))
def test_any_report_is_handled_without_exception(shop: Shop, events: list[Any], more: Json) -> None:
    http_request = report(
        shop, *events, **{k: v for k, v in more.items() if k not in {"shop", "origin"}}
    )
    assert status_of(http_request) in {202, 400, 401, 422}


# --- whose it is ---


def token(shop: Shop, contact: str, days: float = 0, key: str = "") -> str:
    at = datetime.now(UTC) - timedelta(days=days)
    return seal_visit(DeviceLink(shop.store, contact, at), key or shop.links)


def create_contact(shop: Shop) -> None:
    tell(shop, "Order Completed", contact={"email": EMAIL})


def devices(shop: Shop) -> tuple[str, ...]:
    profile = tables.contacts().profile(shop.store, ann(shop))
    assert profile is not None
    found: tuple[str, ...] = profile.known_identifiers.get("device", ())
    return found


def test_link_of_email_connects_device_with_contact(shop: Shop) -> None:
    create_contact(shop)
    call(report(shop, token=token(shop, ann(shop))))
    pass_on(shop)
    assert devices(shop) == (DEVICE,)
    call(report(shop, viewed("later")))
    (item,) = shop.events("Product Viewed")
    assert item["pk"]["S"].endswith(ann(shop))


def test_same_link_on_same_device_is_one_event(shop: Shop) -> None:
    create_contact(shop)
    mark = token(shop, ann(shop))
    for _ in range(3):
        call(report(shop, token=mark))
    assert len(shop.events("Device Identified")) == 1


@pytest.mark.parametrize("what", ["forged", "late", "foreign", "unsubscribe", "email", "list", ""])
def test_invalid_link_does_not_connect_device(cloud: Cloud, shop: Shop, what: str) -> None:
    """An address or another link gets the same answer and has no effect."""
    create_contact(shop)
    other = cloud.open_shop()
    marks: dict[str, Any] = {
        "forged": token(shop, ann(shop), key="guessed"),
        "late": token(shop, ann(shop), days=31),
        "foreign": token(other, ann(shop)),
        "unsubscribe": shop.token(ann(shop)),
        "email": EMAIL,
        "list": [token(shop, ann(shop))],
        "": "",
    }
    before = shop.items()
    genuine = call(report(shop, token=token(shop, "c" + "1" * 25)))
    shop_before = len(shop.events("Device Identified"))
    assert call(report(shop, token=marks[what])) == genuine
    assert len(shop.events("Device Identified")) == shop_before
    assert [item for item in before if item not in shop.items()] == []
    assert devices(shop) == ()


def test_report_with_address_stays_with_its_device(shop: Shop) -> None:
    """Events of a visitor who claims an address stay with the visitor's own device."""
    create_contact(shop)
    call(report(shop, viewed(email=EMAIL), device=OTHER_DEVICE, email=EMAIL, token=EMAIL))
    (item,) = shop.events("Product Viewed")
    assert not item["pk"]["S"].endswith(ann(shop))


# --- keys, websites, limits ---


@pytest.mark.parametrize("key", ["", "x", KEY[:-1], None, 7, [KEY], {"$ne": ""}, "é"])
def test_report_without_valid_key_is_rejected(shop: Shop, key: Any) -> None:
    assert status_of(report(shop, viewed(), key=key)) == 401
    assert shop.items() == []


def test_previous_browser_key_is_accepted(cloud: Cloud) -> None:
    shop = cloud.open_shop(browser_key="new", browser_key_previous=KEY)
    shop.settings()
    assert status_of(report(shop, viewed())) == 202


def test_other_key_of_store_is_rejected_for_browser(shop: Shop) -> None:
    for key in (shop.bearer, shop.signing, shop.links):
        assert status_of(report(shop, viewed(), key=key)) == 401


def test_store_without_browser_key_rejects_reports(cloud: Cloud) -> None:
    shop = cloud.open_shop()
    shop.settings()
    assert status_of(report(shop, viewed(), key="")) == 503


def test_report_from_other_origin_is_rejected(shop: Shop) -> None:
    for origin in ("https://evil.example", "null", f"{PAGE}.evil.example"):
        response = handler(report(shop, viewed(), origin=origin), None)
        assert response["statusCode"] == 403
        assert "access-control-allow-origin" not in response["headers"]
    assert shop.events() == []
    response = handler(report(shop, viewed()), None)
    assert response["headers"]["access-control-allow-origin"] == PAGE
    assert status_of(report(shop, viewed("e-2"), origin=None)) == 202


def test_allowed_origins_are_from_settings(shop: Shop) -> None:
    shop.settings(origins=["https://www.harborline.example"])
    assert status_of(report(shop, viewed(), origin="https://www.harborline.example")) == 202
    assert status_of(report(shop, viewed())) == 403


def test_preflight_allows_json_post(shop: Shop) -> None:
    asks = {"origin": PAGE, "access-control-request-method": "POST"}
    response = handler(request("events.post", "OPTIONS", "", asks, store=shop.store), None)
    assert response["statusCode"] == 204
    assert response["headers"]["access-control-allow-origin"] == PAGE


def test_events_from_one_internet_address_are_limited_per_hour(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("milepost.pages.browser_events.VISITS_OF_AN_ADDRESS", 3)
    answers = [status_of(report(shop, viewed(f"a{n}"), viewed(f"b{n}"))) for n in range(3)]
    assert answers == [202, 429, 429]
    assert len(shop.events()) == 2
    assert status_of(report(shop, viewed("c"), ip="198.51.100.7")) == 202


def test_visitor_data_is_not_logged(shop: Shop, printed: Printed) -> None:
    mark = token(shop, ann(shop))
    printed.forbid(mark, DEVICE, "203.0.113.24")
    call(report(shop, viewed(x=EMAIL), token=mark))
    call(report(shop, viewed(x=EMAIL), device=EMAIL))


# --- the script ---


def test_script_is_served_to_any_origin(shop: Shop) -> None:
    http_request = request("unsubscribe.get", "GET", b"", {}, store=shop.store)
    response = handler(http_request, None)
    assert response["statusCode"] == 200
    assert response["headers"]["content-type"].startswith("text/javascript")
    assert "max-age" in response["headers"]["cache-control"]
    assert KEY not in response["body"]
    again = {"if-none-match": response["headers"]["etag"]}
    http_request = request("unsubscribe.get", "GET", b"", again, store=shop.store)
    assert handler(http_request, None)["statusCode"] == 304


def test_script_is_small_and_has_no_dependencies() -> None:
    from milepost.handlers.trigger_browser import SCRIPT

    assert len(SCRIPT.encode()) < 3000
    for later_than_2017 in ("?.", "??", "import", "require(", "...", "catch {", "async *"):
        assert later_than_2017 not in SCRIPT
    assert "document.cookie" not in SCRIPT
    assert "doNotTrack" in SCRIPT
    assert "globalPrivacyControl" in SCRIPT
    assert "'Page Viewed'" in SCRIPT
    assert "Page Viewed" in ALLOWED
