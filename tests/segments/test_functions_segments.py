"""Segments with the functions: files, events, the backfill's state machine, the API."""

from typing import Any

import pytest

from functions.backfill.app import handler as look
from functions.segments.app import handler
from milepost.base.error_collector import ErrorCollector
from milepost.contacts.event import contact_id
from milepost.runtime.jobs import Job
from milepost.wiring import runtime, tables
from tests.support.builders import send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Cloud, Shop
from tests.support.handlers import pass_on, report, tell, upload
from tests.support.port_recorder import Caller

Json = dict[str, Any]
SEGMENT = "GET /v1/{store}/segments/{name}"
MEMBERS = "GET /v1/{store}/segments/{name}/members"
PUT = "PUT /v1/{store}/segments/{name}/members/{contact}"
TAKE = "DELETE /v1/{store}/segments/{name}/members/{contact}"
PREVIEW = "POST /v1/{store}/segments/preview"
LIST = "GET /v1/{store}/lists/{name}"
ON_LIST = "GET /v1/{store}/lists/{name}/members"

BUYERS: Json = {"title": "Buyers", "condition": {"did": "Order Completed"}}
GUESTS: Json = {"title": "Guests", "static": True}
FILES = {"segments/buyers.json": BUYERS, "segments/guests.json": GUESTS}


@pytest.fixture
def call(shop: Shop) -> Caller:
    return Caller(handler, shop.store, shop.signing)


def buyer(shop: Shop) -> str:
    return contact_id(shop.store, "email", EMAIL)


def buy(shop: Shop) -> None:
    """The contact buys, and the functions process all events that follow."""
    before = {item["sk"]["S"] for item in shop.events()}
    tell(shop, "Order Completed", {"total": 30})
    known = {item["sk"]["S"] for item in shop.events() if "Order Completed" in item["sk"]["S"]}
    while new := pass_on(shop, before | known):
        known |= {item["sk"]["S"] for item in new}


def test_buyer_is_counted_and_listed_in_segment(shop: Shop, call: Caller) -> None:
    upload(shop, {**files_of(cart=workflow(send("first"))), **FILES})
    assert report(shop, "segments.buyers")["outcome"] == "published"
    assert call(SEGMENT, name="buyers").body == {
        "segment": "buyers",
        "title": "Buyers",
        "version": 1,
        "static": False,
        "count": 0,
        "backfill": None,
    }
    buy(shop)
    assert call(SEGMENT, name="buyers").body["count"] == 1
    shown = call(MEMBERS, name="buyers").body
    assert [member["contact"] for member in shown["members"]] == [buyer(shop)]
    assert shown["next"] is None


def test_backfill_adds_contacts_that_bought_before(shop: Shop, call: Caller) -> None:
    upload(shop, files_of())
    buy(shop)
    upload(shop, FILES)
    assert "1 of 1 contacts belong to it" in report(shop, "segments.buyers")["note"]
    works = runtime.backfill_scheduler()
    found = [work for work in works.works.open() if work.store == shop.store]
    assert [(work.kind, work.workflow) for work in found] == [
        ("backfill", "segment/buyers"),
        ("backfill", "segment/guests"),
    ]
    known = {item["sk"]["S"] for item in shop.events()}
    order = backfill_input(shop, found)
    for item in order["items"]:
        assert look({"request": order["request"], "item": item}, None)["next"] == "done"
    ended = look(order, None)
    assert (ended["next"], ended["items"], ended["round"]) == ("done", [], 1)
    while new := pass_on(shop, known):
        known |= {item["sk"]["S"] for item in new}
    seen = call(SEGMENT, name="buyers").body
    assert seen["count"] == 1
    assert seen["backfill"]["done"] is True
    assert (seen["backfill"]["contacts"], seen["backfill"]["changed"]) == (1, 1)


def backfill_input(shop: Shop, works: list[Job]) -> Json:
    """The input of the backfill's state machine."""
    orders: list[Json] = []

    class Starter:
        def look(self, run: str, order: Any) -> None:
            orders.append(order)

    from dataclasses import replace

    real = runtime.backfill_scheduler()
    errors = ErrorCollector()
    replace(real, starter=Starter(), works=StoreJobs(works), memory=real.memory * 0).begin(errors)
    errors.raise_if_any("backfills")
    (order,) = orders
    assert order["request"]["store"] == shop.store
    return order


class StoreJobs:
    """The jobs of this store."""

    def __init__(self, works: list[Job]) -> None:
        self._works = works

    def open(self) -> list[Job]:
        return self._works

    def advance(self, work: Job, done: str) -> None: ...

    def reopen(self, work: Job, at: Any) -> None: ...

    def close(self, work: Job) -> None: ...


def test_api_adds_contact_to_static_segment_and_removes_it(shop: Shop, call: Caller) -> None:
    upload(shop, {**files_of(), **FILES})
    buy(shop)
    for route, count in ((PUT, 1), (PUT, 1), (TAKE, 0), (PUT, 1)):
        known = {item["sk"]["S"] for item in shop.events()}
        assert call(route, name="guests", contact=buyer(shop)).status == 202
        while new := pass_on(shop, known):
            known |= {item["sk"]["S"] for item in new}
        assert call(SEGMENT, name="guests").body["count"] == count


def test_api_refuses_dynamic_segments_and_unknown_contacts(shop: Shop, call: Caller) -> None:
    upload(shop, {**files_of(), **FILES})
    assert call(PUT, name="buyers", contact=buyer(shop)).error == "not_static"
    assert call(PUT, name="guests", contact="c" + "f" * 25).error == "unknown_contact"
    assert call(PUT, name="guests", contact="x-y").error == "unknown_contact"
    assert call(SEGMENT, name="nobody").error == "unknown_segment"
    assert call(SEGMENT, name="Stage-lead").error == "unknown_name"


def test_list_members_are_paged_and_bad_cursors_refused(
    shop: Shop, call: Caller, cloud: Cloud
) -> None:
    upload(shop, {**files_of(), **FILES})
    from datetime import UTC, datetime

    from milepost.base.names import ContactRef

    people = [f"c{number:025x}" for number in range(7)]
    for number, contact in enumerate(people):
        since = datetime(2026, 1, 1 + number, tzinfo=UTC)
        tables.members().join(ContactRef(shop.store, contact), "list", "news", since)
    assert call(LIST, name="news").body == {"list": "news", "count": 7}
    seen: list[str] = []
    query: Json = {"limit": "3"}
    while True:
        page = call(ON_LIST, name="news", query=query).body
        seen += [member["contact"] for member in page["members"]]
        if page["next"] is None:
            break
        query = {"limit": "3", "after": page["next"]}
    assert sorted(seen) == people
    assert len(seen) == 7
    for after in ("x", query["after"][:-2], query["after"] + "A", "é"):
        assert call(ON_LIST, name="news", query={"after": after}).error == "bad_cursor"
    assert call(ON_LIST, name="other", query=query).error == "bad_cursor"
    for limit in ("0", "1001", "a", "-1", "00001", "0000199999"):
        assert call(ON_LIST, name="news", query={"limit": limit}).error == "bad_limit"


def test_preview_counts_matching_contacts_and_shows_a_sample(shop: Shop, call: Caller) -> None:
    upload(shop, {**files_of(), **FILES})
    buy(shop)
    found = call(PREVIEW, body={"condition": BUYERS["condition"]})
    assert found.status == 200, found
    assert found.body == {
        "matched": 1,
        "sampled": 1,
        "total": 1,
        "description": "1 of 1 contacts belong to it",
        "sample": [buyer(shop)],
    }
    nobody = call(PREVIEW, body={"condition": {"did": "Order Canceled"}}).body
    assert (nobody["matched"], nobody["sample"]) == (0, [])


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        (b"{", "bad_json", None),
        ([], "bad_preview", "condition"),
        ({"condition": {"contact": "a"}}, "bad_condition", "condition"),
        ({"condition": {"did": "A", "since": "enrollment"}}, "bad_condition", "condition.since"),
        ({"condition": None}, "bad_condition", "file"),
        ({"condition": {"in_segment": "vip"}}, "bad_condition", "condition.in_segment"),
    ],
)
def test_invalid_preview_is_refused_with_field(
    call: Caller, body: Any, error: str, field: str | None
) -> None:
    answered = call(PREVIEW, body=body)
    assert answered.error == error
    assert answered.body["error"]["field"] == field
