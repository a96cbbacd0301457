"""trigger_event, react, unsubscribe: two contacts become one, through the real handlers."""

from datetime import UTC, datetime
from typing import Any

from functions.react.app import handler as react
from functions.trigger_event.app import handler as trigger_event
from milepost.api.records import RecordScope
from milepost.contacts.event import contact_id
from milepost.contacts.profile import Profile
from milepost.wiring import api, tables, transfer
from tests.support.builders import delay, send, workflow
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Shop
from tests.support.handlers import ago, upload

OTHER = "canary.other@canary.example"


def post(shop: Shop, *events: dict[str, Any]) -> None:
    """Report events at once; the stream hands them over only then."""
    bodies = [{"occurred_at": ago(), "id": f"e-{n}", **event} for n, event in enumerate(events)]
    response = trigger_event(shop.request({"batch": bodies}), None)
    assert response["statusCode"] == 202, response


def settle(shop: Shop, seen: set[tuple[str, str]]) -> None:
    """The stream hands over what is new, until nothing is."""
    while True:
        new = [
            item
            for item in [*shop.events(), *shop.items("REPLAY#")]
            if (item["pk"]["S"], item["sk"]["S"]) not in seen
        ]
        if not new:
            return
        seen |= {(item["pk"]["S"], item["sk"]["S"]) for item in new}
        for item in new:
            react(shop.cloud.stream(item), None)


def held(shop: Shop, kind: Any, value: str) -> Profile:
    profile = tables.contacts().profile(shop.store, contact_id(shop.store, kind, value))
    assert profile is not None
    return profile


def test_two_who_turn_out_to_be_one_are_one(shop: Shop) -> None:
    upload(shop, files_of(visit=workflow(delay("1 day"), send("a"), on="Visited")))
    seen: set[tuple[str, str]] = set()
    yes = [{"topic": "offers", "state": "granted", "at": ago(hours=2)}]
    post(
        shop,
        {"event": "Visited", "contact": {"external_id": "7", "consent": yes}},
        {"event": "Ordered", "contact": {"email": EMAIL}},
        {"event": "Viewed", "contact": {"device_id": "d-1"}},
    )
    settle(shop, seen)
    post(
        shop,
        {"event": "Linked", "contact": {"email": EMAIL, "external_id": "7", "device_id": "d-1"}},
        {"event": "Viewed Again", "contact": {"device_id": "d-1"}},
    )
    settle(shop, seen)
    one = held(shop, "email", EMAIL)
    assert one == held(shop, "external_id", "7") == held(shop, "device", "d-1")
    assert {name: total.count for name, total in one.totals.items()} == {
        "Visited": 1, "Ordered": 1, "Viewed": 1, "Linked": 1, "Viewed Again": 1,
    }  # fmt: skip
    assert one.consents() == {"offers": "granted"}
    assert [presence.workflow for presence in one.active_enrollments.values()] == ["visit"]
    own = [item for item in shop.items("MERGED#") if item["pk"]["S"].endswith(one.contact)]
    assert len(own) == 2
    gone = [item for item in shop.items("PROFILE") if "merged_into" in item]
    assert all("merging" not in item and "consent:offers" not in item for item in gone)


def test_what_is_told_of_two_who_became_one_holds_no_bookkeeping(shop: Shop) -> None:
    seen: set[tuple[str, str]] = set()
    twice = {"event": "Visited", "id": "v", "occurred_at": ago(hours=1)}
    post(
        shop,
        {**twice, "contact": {"external_id": "7"}},
        {**twice, "contact": {"email": EMAIL}},
    )
    settle(shop, seen)
    post(shop, {"event": "Linked", "contact": {"email": EMAIL, "external_id": "7"}})
    settle(shop, seen)
    noted = {item["name"]["S"] for item in shop.events()}
    assert {"Merge Requested", "Duplicate Event Corrected"} <= noted
    one = held(shop, "email", EMAIL).contact
    reader, view = api.contact_queries(), RecordScope(now=datetime.now(UTC))
    told = [each["event"] for each in reader.events(shop.store, one, None, 50, view).records]
    assert sorted(told) == ["Contacts Merged", "Linked", "Visited"]
    named = view._replace(name="Duplicate Event Corrected")
    assert len(reader.events(shop.store, one, None, 50, named).records) == 1


def test_an_export_says_which_events_came_with_another_contact(shop: Shop) -> None:
    seen: set[tuple[str, str]] = set()
    post(
        shop,
        {"event": "Visited", "contact": {"external_id": "7"}},
        {"event": "Ordered", "contact": {"email": EMAIL}},
    )
    settle(shop, seen)
    post(shop, {"event": "Linked", "contact": {"email": EMAIL, "external_id": "7"}})
    settle(shop, seen)
    page = transfer.exporter().everything.page(shop.store, "")
    events = [line for kind, line in page.lines if kind == "events"]
    names = [line["event"] for line in events]
    (copy,) = [line for line in events if "copied_from" in line]
    assert names.count(copy["event"]) == 2
    assert copy["contact"] == held(shop, "email", EMAIL).contact
    assert all(names.count(name) == 1 for name in names if name != copy["event"])


def test_what_comes_to_the_one_who_is_gone_is_handed_on(shop: Shop) -> None:
    seen: set[tuple[str, str]] = set()
    post(
        shop,
        {"event": "Visited", "contact": {"external_id": "7"}},
        {"event": "Ordered", "contact": {"email": EMAIL}},
        {"event": "Linked", "contact": {"email": OTHER, "external_id": "7"}},
    )
    settle(shop, seen)
    gone = contact_id(shop.store, "external_id", "7")
    profile = tables.contacts().get_even_if_merged(shop.store, gone)
    assert profile is not None
    if not profile.merged_into:
        gone = contact_id(shop.store, "email", OTHER)
    late = shop.events("Visited")[0] | {"sk": {"S": "EVENT#Late#2026-01-01T00:00:00.000Z#late"}}
    late |= {"pk": {"S": f"S#{shop.store}#C#{gone}"}, "name": {"S": "Late"}, "id": {"S": "late"}}
    for _ in range(2):
        react(shop.cloud.stream(late), None)
    settle(shop, seen)
    assert held(shop, "email", OTHER).totals["Late"].count == 1
