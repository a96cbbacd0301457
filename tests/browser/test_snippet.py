"""milepost.js in a real browser: what it reports, and what disables it."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from milepost.contacts.event import contact_id
from milepost.sending.links import DeviceLink, seal_visit
from tests.browser.conftest import KEY
from tests.browser.driver import Browser, browser
from tests.browser.site import Pages
from tests.support.cloud import EMAIL, Shop
from tests.support.handlers import tell

Json = dict[str, Any]
Open = Callable[..., Browser]


def page(shop: Shop, site: str, *, more: str = "", **options: str) -> str:
    data = "".join(f' data-{name}="{value}"' for name, value in options.items())
    source = f"{site}/v1/{shop.store}/milepost.js"
    return (
        f"<!doctype html><title>Mugs</title><body>{more}"
        f'<script src="{source}" data-key="{KEY}"{data}></script>'
    )


def reported(shop: Shop, number: int) -> list[Json]:
    """The events that have arrived, after `number` events or two seconds."""
    until = time.monotonic() + 2
    while len(shop.events()) < number and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.1)
    items = sorted(shop.events(), key=lambda item: item["at"]["S"])
    return [{"name": item["name"]["S"], **json.loads(item["body"]["S"])} for item in items]


@pytest.fixture
def fresh(driver: httpx.Client, shop: Shop, site: str, pages: Pages) -> Any:
    """Opens a page of the shop in a browser without earlier visits."""
    shop.settings(origins=[site], forms={"footer": {"double_opt_in": False}})
    opened = []

    def visit(query: str = "", preferences: Any = None, **options: str) -> Browser:
        pages["mugs"] = page(shop, site, **options)
        window = browser(driver, preferences=preferences)
        opened.append(window)
        made = window.__enter__()
        made.visit(f"{site}/shop/mugs{query}")
        return made

    yield visit
    for window in opened:
        window.__exit__(None, None, None)


def test_snippet_reports_page_view_and_tracked_events(fresh: Open, shop: Shop) -> None:
    window = fresh()
    window.run("milepost.track('Product Viewed', {sku: 'A-1'})")
    window.run("milepost.track('Order Completed', {total: 1})")
    first, second = reported(shop, 2)
    assert first["name"] == "Page Viewed"
    assert first["data"] == {"path": "/shop/mugs", "title": "Mugs"}
    assert (second["name"], second["data"]) == ("Product Viewed", {"sku": "A-1"})
    device = window.run("return milepost.device()")
    assert first["identifiers"] == second["identifiers"] == {"device": device}
    assert window.get("/cookie") == []
    assert window.run("return Object.keys(localStorage)") == ["milepost.device"]


def test_same_browser_keeps_its_device_id(fresh: Open, shop: Shop, site: str) -> None:
    window = fresh()
    before = window.run("return milepost.device()")
    window.visit(f"{site}/shop/mugs")
    assert window.run("return milepost.device()") == before
    assert len(reported(shop, 2)) == 2


def test_event_is_sent_when_page_is_left(fresh: Open, shop: Shop, site: str, pages: Pages) -> None:
    window = fresh(page="off")
    pages["away"] = "<!doctype html>"
    window.run("milepost.track('Product Viewed'); location.href = '/shop/away'")
    assert [each["name"] for each in reported(shop, 1)] == ["Product Viewed"]


@pytest.mark.parametrize("signal", ["navigator.doNotTrack", "navigator.globalPrivacyControl"])
def test_do_not_track_signal_disables_snippet(
    driver: httpx.Client, shop: Shop, site: str, pages: Pages, signal: str
) -> None:
    shop.settings(origins=[site])
    pages["mugs"] = page(shop, site)
    name = signal.partition(".")[2]
    value = "'1'" if name == "doNotTrack" else "true"
    script = f"Object.defineProperty(Navigator.prototype, '{name}', {{get: () => {value}}})"
    with browser(driver) as window:
        window.devtools("Page.addScriptToEvaluateOnNewDocument", source=script)
        window.visit(f"{site}/shop/mugs?mp=x")
        window.run("milepost.consent(true); milepost.track('Product Viewed'); milepost.page()")
        assert window.run("return milepost.device()") == ""
        assert "milepost.device" not in window.run("return Object.keys(localStorage)")
        assert reported(shop, 1) == []


def test_do_not_track_setting_of_browser_disables_snippet(fresh: Open, shop: Shop) -> None:
    window = fresh(preferences={"enable_do_not_track": True})
    assert window.run("return navigator.doNotTrack") == "1"
    window.run("milepost.track('Product Viewed')")
    assert reported(shop, 1) == []


def test_required_consent_blocks_snippet_until_granted(fresh: Open, shop: Shop) -> None:
    window = fresh(consent="required")
    window.run("milepost.track('Product Viewed')")
    assert reported(shop, 1) == []
    assert window.run("return Object.keys(localStorage)") == []
    window.run("milepost.consent(true)")
    assert [each["name"] for each in reported(shop, 1)] == ["Page Viewed"]
    window.run("milepost.consent(false); milepost.track('Product Viewed')")
    assert len(reported(shop, 2)) == 1
    assert window.run("return localStorage['milepost.device']") is None


def test_link_of_email_identifies_device_and_is_removed_from_url(fresh: Open, shop: Shop) -> None:
    tell(shop, "Order Completed", contact={"email": EMAIL})
    contact = contact_id(shop.store, "email", EMAIL)
    from milepost.wiring import core

    mark = seal_visit(DeviceLink(shop.store, contact, core.clock().now()), shop.links)
    window = fresh(query=f"?color=red&mp={mark}#top")
    assert window.url.endswith("/shop/mugs?color=red#top")
    names = [each["name"] for each in reported(shop, 3)]
    assert sorted(names) == ["Device Identified", "Order Completed", "Page Viewed"]


def test_form_submits_device_id(fresh: Open, shop: Shop, site: str) -> None:
    shop.settings(origins=[site], forms={"footer": {}})
    form = (
        f'<form method="post" action="{site}/v1/{shop.store}/forms/footer">'
        f'<input type="hidden" name="device"><input name="email" value="{EMAIL}">'
        "<button>ok</button></form>"
    )
    window = fresh(page="off", more=form)
    device = window.run("return milepost.device()")
    window.follow("button")
    (event,) = reported(shop, 1)
    assert event["data"]["_request"]["device"] == device


def test_page_of_other_origin_reports_nothing(
    fresh: Open, shop: Shop, driver: httpx.Client, site: str
) -> None:
    fresh()
    before = len(reported(shop, 1))
    shop.settings(origins=["https://www.shop.example"])
    with browser(driver) as window:
        window.visit(f"{site}/shop/mugs")
        window.run("milepost.track('Product Viewed')")
        assert len(reported(shop, before + 1)) == before
