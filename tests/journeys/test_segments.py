"""Segments: contacts enter and leave, and workflows are triggered."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.contacts.event_names import REEVALUATED, SEGMENT
from tests.support.builders import (
    ADA,
    STORE,
    Content,
    Json,
    branch,
    delay,
    send,
    shop,
    text,
    workflow,
)
from tests.support.laws import how_many
from tests.support.world import World

BUYERS: Json = {
    "title": "Has bought twice in a month",
    "condition": {"did": "Order Completed", "times": {"gte": 2}, "within": "30 days"},
}
GOLD: Json = {
    "title": "Gold",
    "condition": {"contact": "properties.plan", "is": "gold"},
}
HERALD = workflow(
    send("hello"),
    trigger={"type": "segment", "segment": "buyers"},
    category="transactional",
    reentry={"allow": "always"},
)
FAREWELL = workflow(
    send("good-bye"),
    trigger={"type": "segment", "segment": "buyers", "on": "left"},
    category="transactional",
)


def segments(**files: Json) -> dict[str, Content]:
    return {f"segments/{name.replace('_', '-')}.json": file for name, file in files.items()}


def opened(files: Mapping[str, Content], **settings: Any) -> World:
    world = World(**settings)
    world.publish(files)
    return world


def inside(world: World, email: str = ADA) -> set[str]:
    return set(world.profile(email).segment_state.segments)


def members(world: World, name: str, group: Any = "segment") -> list[str]:
    page = world.members.page(STORE, group, name)
    return [member.contact for member in page.members]


def reported(world: World, name: str) -> list[tuple[str, bool]]:
    """The segments in the events of a name, with the flag `initial`."""
    return [
        (record.event.data["segment"], "initial" in record.event.data)
        for record in world.state.stream
        if record.event.name == name
    ]


ENTERED, LEFT = SEGMENT["entered"], SEGMENT["left"]


def test_contact_enters_at_the_second_order_and_leaves_after_a_month() -> None:
    world = opened({**shop(herald=HERALD, farewell=FAREWELL), **segments(buyers=BUYERS)})
    world.event("Order Completed", {"total": 30}, id_="o-1")
    world.run_for(days=10)
    assert inside(world) == set()
    world.event("Order Completed", {"total": 30}, id_="o-2")
    world.run_for(minutes=5)
    assert inside(world) == {"buyers"}
    assert members(world, "buyers") == [world.contact()]
    assert reported(world, ENTERED) == [("buyers", False)]
    world.run_for(days=19, hours=23)
    assert inside(world) == {"buyers"}
    world.run_for(hours=1)
    assert inside(world) == set()
    assert members(world, "buyers") == []
    assert reported(world, LEFT) == [("buyers", False)]
    assert world.steps_mailed() == ["hello", "good-bye"]


def test_scheduler_reevaluates_only_when_membership_can_change() -> None:
    world = opened({**shop(), **segments(buyers=BUYERS)})
    for number in range(3):
        world.event("Order Completed", id_=f"o-{number}")
        world.run_for(days=1)
    reevaluations = [
        record.event for record in world.state.stream if record.event.name == REEVALUATED
    ]
    assert reevaluations == []
    world.run_for(days=60)
    reevaluations = [
        record.event for record in world.state.stream if record.event.name == REEVALUATED
    ]
    assert len(reevaluations) == 1
    assert REEVALUATED not in world.profile().totals
    assert world.profile().next_check is None


def test_contact_that_never_did_an_event_is_a_member_from_the_start() -> None:
    quiet = {"title": "Never bought", "condition": {"did_not": "Order Completed"}}
    world = opened({**shop(), **segments(quiet=quiet)})
    world.event("Product Viewed")
    world.run_for(minutes=1)
    assert inside(world) == {"quiet"}
    world.event("Order Completed")
    world.run_for(minutes=1)
    assert inside(world) == set()


def test_condition_on_lists_is_reevaluated_when_a_list_changes() -> None:
    some = {"title": "On some list", "condition": {"contact": "lists", "exists": True}}
    join = workflow({"id": "join", "type": "add_to_list", "list": "news"})
    world = opened({**shop(join=join), **segments(some=some)})
    world.event("Product Viewed")
    world.run_for(hours=1)  # by then the segment has been backfilled
    assert inside(world) == set()
    world.event("Checkout Started")
    world.run_for(minutes=1)
    assert inside(world) == {"some"}


def test_segments_of_segments_change_together() -> None:
    both = {
        "title": "Gold and buying",
        "condition": {"all": [{"in_segment": "buyers"}, {"in_segment": "gold"}]},
    }
    world = opened({**shop(), **segments(a_both=both, buyers=BUYERS, gold=GOLD)})
    world.event("Order Completed", id_="o-1", properties={"plan": "gold"})
    world.run_for(minutes=1)
    assert inside(world) == {"gold"}
    world.event("Order Completed", id_="o-2")
    world.run_for(minutes=1)
    assert inside(world) == {"gold", "buyers", "a-both"}
    world.event("Account Updated", properties={"plan": "tin"})
    world.run_for(minutes=1)
    assert inside(world) == {"buyers"}


def test_branch_and_audience_can_use_segments() -> None:
    asking = workflow(
        branch("who", {"in_segment": "gold"}, [send("to-gold")], [send("to-others")]),
        category="transactional",
        audience={"not": {"in_segment": "buyers"}},
        reentry={"allow": "always"},
    )
    world = opened({**shop(asking=asking), **segments(buyers=BUYERS, gold=GOLD)})
    world.event("Checkout Started", properties={"plan": "gold"}, id_="c-1")
    world.run_for(minutes=1)
    for number in range(2):
        world.event("Order Completed", id_=f"o-{number}")
    world.run_for(minutes=1)
    world.event("Checkout Started", id_="c-2")
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["to-gold"]
    assert world.reactions[-1].refused == (("asking", "audience: is in segment buyers"),)


def test_consent_change_updates_membership_at_once() -> None:
    readers = {"title": "Readers", "condition": {"consents_to": "offers"}}
    newsletter = workflow(send("newsletter"), topic="offers")
    world = opened({**shop(newsletter=newsletter), **segments(readers=readers)})
    world.consent()
    world.run_for(minutes=1)
    assert inside(world) == {"readers"}
    world.event("Checkout Started")
    world.run_for(minutes=1)
    world.unsubscribe(world.last_mail())
    world.run_for(minutes=1)
    assert inside(world) == set()


def test_workflow_entry_and_exit_update_membership() -> None:
    busy = {"title": "Being welcomed", "condition": {"in_workflow": "welcome"}}
    welcome = workflow(delay("2 days"), send("hello"), category="transactional")
    world = opened({**shop(welcome=welcome), **segments(busy=busy)})
    world.event("Checkout Started")
    world.run_for(hours=1)
    assert inside(world) == {"busy"}
    world.run_for(days=2)
    assert world.enrollment().status == "completed"
    assert inside(world) == set()


def test_list_members_are_in_the_member_index() -> None:
    joins = workflow(
        {"id": "on", "type": "add_to_list", "list": "news"},
        delay("1 day"),
        {"id": "off", "type": "remove_from_list", "list": "news"},
    )
    onlist = {"title": "On the list", "condition": {"in_list": "news"}}
    world = opened({**shop(joins=joins), **segments(onlist=onlist)})
    world.event("Checkout Started")
    world.run_for(hours=1)
    assert members(world, "news", "list") == [world.contact()]
    assert inside(world) == {"onlist"}
    world.run_for(days=2)
    assert members(world, "news", "list") == []
    assert inside(world) == set()


def test_imported_history_enters_as_initial() -> None:
    loud = workflow(
        send("anyway"),
        trigger={"type": "segment", "segment": "buyers", "include_existing": True},
        category="transactional",
    )
    world = opened({**shop(herald=HERALD, loud=loud), **segments(buyers=BUYERS)})
    for number in range(2):
        world.event("Order Completed", id_=f"o-{number}", at=world.now - timedelta(days=3 + number))
    world.run_for(minutes=1)
    assert inside(world) == {"buyers"}
    assert reported(world, ENTERED) == [("buyers", True)]
    assert world.steps_mailed() == ["anyway"]


def test_workflows_that_trigger_each_other_through_segments_stop() -> None:
    def switch(to: str) -> Json:
        return {"id": "turn", "type": "update_contact", "set": {"plan": to}}

    on = workflow(
        switch("tin"), trigger={"type": "segment", "segment": "gold"}, reentry={"allow": "always"}
    )
    off = workflow(
        switch("gold"),
        trigger={"type": "segment", "segment": "gold", "on": "left"},
        reentry={"allow": "always"},
    )
    world = opened({**shop(on=on, off=off), **segments(gold=GOLD)})
    world.event("Account Updated", properties={"plan": "gold"})
    world.run_for(hours=1)
    assert len(world.enrollments_of()) < 10


HAPPENED: list[tuple[str, Json, int]] = [
    ("Order Completed", {}, 2),
    ("Order Completed", {}, 20),
    ("Order Completed", {}, 40),
    ("Account Updated", {"plan": "gold"}, 5),
    ("Account Updated", {"plan": "tin"}, 9),
]


@pytest.fixture(scope="module")
def both() -> World:
    conditions = [{"in_segment": "buyers"}, {"in_segment": "gold"}]
    close = {"title": "Both", "condition": {"all": conditions}}
    return opened({**shop(), **segments(buyers=BUYERS, gold=GOLD, close=close)})


@settings(max_examples=how_many(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(HAPPENED), st.integers(1, 3))
def test_any_event_order_gives_the_same_segments(
    both: World, events: list[tuple[str, Json, int]], echo: int
) -> None:
    world = World(published=both, echo=echo)
    for name, properties, days in events:
        at = world.now - timedelta(days=days)
        world.event(name, id_=f"e-{days}", at=at, properties=properties)
        world.run_for(minutes=1)
    assert inside(world) == {"buyers", "gold", "close"}
    assert sorted(n for n in inside(world) if members(world, n)) == ["buyers", "close", "gold"]


# --- publishing ---


def test_segment_report_describes_the_condition() -> None:
    world = opened(shop())
    (report,) = world.publish(segments(buyers=BUYERS))
    assert (report.outcome, report.version) == ("published", "1")
    text_of_report = world.files.texts[STORE, "reports/segments.buyers.report.md"]
    assert (
        "the contact did **Order Completed** at least 2 times in the last 30 days" in text_of_report
    )
    (report,) = world.publish(segments(buyers=BUYERS))
    assert report.outcome == "unchanged"
    (report,) = world.publish(segments(buyers={**BUYERS, "title": "Twice"}))
    assert (report.outcome, report.version) == ("published", "1")


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({"event": "total", "gte": 1}, "condition: asks about an event, and a segment has none"),
        ({"email": "a", "was": "opened"}, "condition: asks about a workflow's own steps"),
        ({"all": [{"did": "A", "since": "enrollment"}]}, "condition.all[0].since: no workflow"),
        ({"consents_to": "offer"}, 'condition.consents_to: settings.json has no topic "offer"'),
        ({"in_segment": "vip"}, 'condition.in_segment: no segment named "vip" is published'),
        ({"in_workflow": "hi"}, 'condition.in_workflow: no workflow named "hi"'),
        ({"not": {"in_segment": "buyers"}}, "condition: goes round in a circle: buyers asks"),
        ({"did": "A", "where": {"did": "B"}}, "condition.where: a where here can only ask"),
        ({"contact": "country", "is": "NO"}, 'condition.contact: a contact has no "country"'),
        ({"not": {"contact": "score", "is": "high"}}, "condition.not.is: score is a number"),
    ],
)
def test_invalid_segment_condition_is_refused(condition: Json, problem: str) -> None:
    world = opened({**shop(), **segments(buyers=BUYERS)})
    world.files.write(STORE, "segments/buyers.json", text({"title": "x", "condition": condition}))
    (report,) = world.publisher.publish(STORE, ["segments/buyers.json"])
    assert report.outcome == "refused"
    assert any(str(found).startswith(problem) for found in report.problems), report.problems


def test_circular_segment_is_refused_by_name() -> None:
    world = opened({**shop(), **segments(buyers=BUYERS)})
    world.publish(segments(close={"title": "Close", "condition": {"in_segment": "buyers"}}))
    world.files.write(
        STORE, "segments/buyers.json", text({"title": "x", "condition": {"in_segment": "close"}})
    )
    (report,) = world.publisher.publish(STORE, ["segments/buyers.json"])
    (problem,) = report.problems
    assert problem.reason == ("goes round in a circle: buyers asks about close asks about buyers")


def test_workflow_goes_live_once_its_segment_is_uploaded() -> None:
    world = opened(shop())
    world.files.write(STORE, "workflows/herald.json", text(HERALD))
    (report,) = world.publisher.publish(STORE, ["workflows/herald.json"])
    assert [str(p) for p in report.problems] == [
        'trigger.segment: no segment named "buyers" is published (upload segments/buyers.json)'
    ]
    reports = world.publish(segments(buyers=BUYERS))
    assert [(r.file, r.outcome) for r in reports] == [
        ("segments/buyers.json", "published"),
        ("workflows/herald.json", "published"),
    ]


def test_segment_in_use_cannot_be_deleted_and_report_names_its_users() -> None:
    close = {"title": "Close", "condition": {"in_segment": "buyers"}}
    world = opened({**shop(herald=HERALD), **segments(buyers=BUYERS, close=close)})
    (report,) = world.remove("segments/buyers.json")
    (problem,) = report.problems
    assert problem.reason == "is used by workflows/herald.json, segments/close.json"
    world.remove("workflows/herald.json")
    world.remove("segments/close.json")
    reports = world.publisher.publish(STORE, ["segments/buyers.json"])
    assert reports[0].outcome == "archived"
    assert world.shelf.head(STORE).segments["buyers"].status == "archived"


def test_topic_used_by_a_segment_cannot_be_removed() -> None:
    readers = {"title": "Readers", "condition": {"consents_to": "news"}}
    world = opened({**shop(), **segments(readers=readers)})
    fewer = {"topics": {"offers": "Offers"}, "name": "H", "url": "https://shop.example"}
    fewer |= {"postal_address": "27 Lighthouse Lane"}
    world.files.write(STORE, "settings.json", text(fewer))
    (report,) = world.publisher.publish(STORE, ["settings.json"])
    assert [p.reason for p in report.problems] == ['"news" is used by the segment readers']


def test_compiled_segment_trigger_names_its_segment() -> None:
    world = opened({**shop(herald=HERALD), **segments(buyers=BUYERS)})
    program = world.program("herald")
    assert program.options["trigger"]["where"] == {
        "all": [{"event": "segment", "is": "buyers"}, {"not": {"event": "initial", "is": True}}]
    }
