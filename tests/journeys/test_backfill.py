"""Backfill: after a publish, all contacts are evaluated, in parts, once and without new events."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from milepost.contacts.event_names import REEVALUATED, SEGMENT
from milepost.contacts.profile import Profile
from milepost.runtime.backfill import BackfillWorker, segments_to_backfill
from milepost.segments.evaluator import SegmentEvaluator
from tests.journeys.test_segments import (
    BUYERS,
    GOLD,
    HERALD,
    inside,
    members,
    opened,
    reported,
    segments,
)
from tests.support.builders import ADA, STORE, send, shop, text, workflow
from tests.support.faults import Faults, Scope
from tests.support.world import World

PEOPLE = [f"contact{number}@mail.example" for number in range(12)]


def populated(**settings: Any) -> World:
    """A shop with twelve customers. Every second customer has the plan gold."""
    world = opened(shop(), **settings)
    for number, email in enumerate(PEOPLE):
        plan = "gold" if number % 2 else "tin"
        world.event("Order Completed", email=email, properties={"plan": plan})
    world.run_for(minutes=5)
    return world


def gold(world: World) -> list[str]:
    return [email for email in PEOPLE if "gold" in inside(world, email)]


def reevaluations(world: World) -> int:
    return sum(record.event.name == REEVALUATED for record in world.state.stream)


def test_new_segment_gets_its_members_and_writes_to_no_other_contact() -> None:
    world = populated()
    world.publish(segments(gold=GOLD))
    world.run_for(seconds=59)
    assert gold(world) == []
    world.run_for(minutes=3)
    assert gold(world) == PEOPLE[1::2]
    assert sorted(members(world, "gold")) == sorted(map(world.contact, PEOPLE[1::2]))
    assert reevaluations(world) == 6
    progress = world.progress.looked(STORE, "segment/gold")
    assert progress is not None
    assert (len(progress.parts), progress.of) == (8, 8)
    assert sum(part.evaluated for part in progress.parts.values()) == 12
    assert sum(part.changed for part in progress.parts.values()) == 6


def test_existing_members_enter_a_workflow_only_with_include_existing() -> None:
    world = populated()
    herald = {**HERALD, "trigger": {"type": "segment", "segment": "gold"}}
    all_of_them = {
        **HERALD,
        "trigger": {"type": "segment", "segment": "gold", "include_existing": True},
        "steps": [send("to-all")],
    }
    files = {"workflows/herald.json": herald, "workflows/all.json": all_of_them}
    world.publish({**segments(gold=GOLD), **files})
    world.run_for(minutes=5)
    assert reported(world, SEGMENT["entered"]) == [("gold", True)] * 6
    assert [world.steps_mailed(email) for email in PEOPLE[:2]] == [[], ["to-all"]]
    world.event("Account Updated", email=PEOPLE[0], properties={"plan": "gold"})
    world.run_for(minutes=5)
    assert sorted(world.steps_mailed(PEOPLE[0])) == ["hello", "to-all"]


def test_changed_segment_condition_moves_its_members() -> None:
    world = populated()
    world.publish(segments(gold=GOLD))
    world.run_for(minutes=5)
    tin = {"title": "Gold", "condition": {"contact": "properties.plan", "is": "tin"}}
    (report,) = world.publish(segments(gold=tin))
    assert report.version == "2"
    world.run_for(minutes=5)
    assert gold(world) == PEOPLE[::2]
    assert reported(world, SEGMENT["left"]) == [("gold", True)] * 6


def test_deleted_segment_drops_members_without_events() -> None:
    world = populated()
    world.publish(segments(gold=GOLD))
    world.run_for(minutes=5)
    before = reevaluations(world)
    world.remove("segments/gold.json")
    world.run_for(minutes=5)
    assert gold(world) == members(world, "gold") == []
    assert reported(world, SEGMENT["left"]) == []
    assert reevaluations(world) - before == 6
    world.publish(segments(gold=GOLD))
    world.run_for(minutes=5)
    assert gold(world) == PEOPLE[1::2]


def test_backfill_schedules_the_next_check_of_members() -> None:
    world = populated()
    recent = {"title": "Recent", "condition": {"did": "Order Completed", "within": "30 days"}}
    world.publish(segments(recent=recent))
    world.run_for(minutes=5)
    assert len(members(world, "recent")) == 12
    world.run_for(days=31)
    assert members(world, "recent") == []


@pytest.mark.parametrize("first", ["live", "draft"])
def test_date_trigger_reaches_contacts_from_before_the_publish(first: str) -> None:
    world = opened(shop())
    for number, email in enumerate(PEOPLE[:3]):
        world.event("Signed Up", email=email, properties={"born": f"1990-11-{10 + number}"})
    world.run_for(minutes=5)
    greeting = workflow(
        send("wishes"),
        trigger={"type": "date", "field": "properties.born"},
        category="transactional",
        status=first,
    )
    world.publish({"workflows/wishes.json": greeting})
    world.run_for(minutes=5)
    world.publish({"workflows/wishes.json": {**greeting, "status": "live"}})
    world.run_for(days=12)
    assert [world.mailed_at("wishes", email).day for email in PEOPLE[:3]] == [10, 11, 12]


def test_date_due_between_publish_and_backfill_is_not_missed() -> None:
    world = opened(shop())
    world.event("Signed Up", email=ADA, properties={"born": "1990-11-03"})
    world.run_for(hours=20, minutes=59, seconds=40)
    greeting = workflow(
        send("wishes"),
        trigger={"type": "date", "field": "properties.born", "at": "09:00"},
        category="transactional",
    )
    world.publish({"workflows/wishes.json": greeting})
    assert world.now < datetime(2026, 11, 3, 9, tzinfo=UTC)
    world.run_for(days=300)
    assert world.mailed_at("wishes", ADA).date() == date(2026, 11, 3)


def test_date_due_before_the_publish_is_not_made_up_for() -> None:
    world = opened(shop())
    world.event("Signed Up", email=ADA, properties={"born": "1990-11-03"})
    world.run_for(hours=21, seconds=10)
    greeting = workflow(
        send("wishes"),
        trigger={"type": "date", "field": "properties.born", "at": "09:00"},
        category="transactional",
    )
    world.publish({"workflows/wishes.json": greeting})
    world.run_for(days=300)
    assert world.steps_mailed(ADA) == []


def test_date_trigger_published_paused_reaches_earlier_contacts_once_live() -> None:
    world = opened(shop())
    world.event("Signed Up", email=ADA, properties={"born": "1990-11-10"})
    world.run_for(minutes=5)
    trigger = {"type": "date", "field": "properties.born"}
    greeting = workflow(send("wishes"), trigger=trigger, category="transactional")
    world.publish({"workflows/wishes.json": {**greeting, "status": "paused"}})
    world.run_for(minutes=5)
    world.publish({"workflows/wishes.json": greeting})
    world.run_for(days=12)
    assert world.steps_mailed(ADA) == ["wishes"]


def test_delayed_backfill_does_not_fire_occurrences_from_before_a_publish() -> None:
    """Backfills cannot start for three days; then a daily newsletter is published at ten."""
    world = opened({**shop(), **segments(gold=GOLD)})
    world.event("Order Completed", email=ADA, properties={"plan": "gold"})
    world.run_for(minutes=5)
    usual = world.backfill_scheduler
    world.backfill_scheduler = replace(usual, memory=timedelta(days=30))
    world.publish(segments(buyers=BUYERS))
    world.run_for(days=2, hours=22)
    newsletter = workflow(
        send("newsletter"),
        trigger={
            "type": "schedule",
            "rrule": "FREQ=DAILY;BYHOUR=9",
            "segment": "gold",
            "timezone": "contact",
        },
        category="transactional",
        reentry={"allow": "always"},
    )
    world.publish({"workflows/newsletter.json": newsletter})
    world.run_for(minutes=2)
    world.backfill_scheduler = usual
    world.run_for(hours=6)
    assert world.steps_mailed(ADA) == []
    world.run_for(days=1)
    assert world.steps_mailed(ADA) == ["newsletter"]


def test_files_published_together_share_one_backfill() -> None:
    world = populated()
    world.publish(segments(gold=GOLD, buyers=BUYERS))
    world.run_for(minutes=5)
    assert len(world.looks) == 1


def backfill_worker(world: World, **changes: Any) -> BackfillWorker:
    parts: dict[str, Any] = {
        "contacts": world.contacts,
        "timeline": world.timeline,
        "registry": world.registry,
        "members": world.members,
        "segmenter": world.segmenter,
        "progress": world.progress,
        "now": lambda: world.now,
    }
    return BackfillWorker(**(parts | changes))


def test_backfill_partition_resumes_where_it_stopped() -> None:
    world = populated()
    world.backfill_worker = backfill_worker(world, most=1)
    world.publish(segments(gold=GOLD))
    world.run_for(minutes=10)
    assert gold(world) == PEOPLE[1::2]


def test_contact_that_fails_in_backfill_blocks_no_other_and_is_left_to_react() -> None:
    world = populated()

    class FailsForOneContact(SegmentEvaluator):
        def evaluate_for_backfill(self, profile: Profile, *rest: Any) -> Profile:
            if profile.contact == world.contact(PEOPLE[0]):
                raise ValueError("this contact fails")
            return super().evaluate_for_backfill(profile, *rest)

    failing = FailsForOneContact(world.timeline, world.registry, world.members)
    world.backfill_worker = backfill_worker(world, segmenter=failing)
    world.publish(segments(gold=GOLD))
    world.run_for(minutes=10)
    assert gold(world) == PEOPLE[1::2]
    assert reevaluations(world) == 6 + 1


def test_scoring_backfill_covers_segments_that_use_the_score() -> None:
    world = populated()
    world.publish(segments(hot={"title": "Hot", "condition": {"contact": "score", "gte": 50}}))
    assert segments_to_backfill(["scoring"], world.shelf.head(STORE)) == ["hot"]


def test_static_segment_gets_no_members_from_backfill() -> None:
    """The API and imports add members to a static segment, with one event for each."""
    world = populated()
    world.publish(segments(guests={"title": "Guests", "static": True}))
    world.run_for(minutes=5)
    assert members(world, "guests") == []
    assert world.shelf.head(STORE).segments["guests"].static


# --- kills ---


def story(world: World) -> None:
    """A contact enters, leaves after a month, is found by a backfill, and is removed."""
    for number in range(2):
        world.event("Order Completed", id_=f"o-{number}", properties={"plan": "gold"})
    world.run_for(days=31)
    world.publish(segments(gold=GOLD))
    world.run_for(minutes=10)
    world.remove("segments/gold.json")
    world.run_for(minutes=10)


def membership_changes(world: World) -> list[tuple[str, str]]:
    """The `Segment Entered` and `Segment Left` events."""
    return sorted(
        (record.event.name, record.event.data["segment"])
        for record in world.state.stream
        if record.event.name in SEGMENT.values()
    )


def visible_result(world: World) -> object:
    return (
        inside(world),
        members(world, "buyers"),
        members(world, "gold"),
        membership_changes(world),
        sorted(world.steps_mailed(ADA)),
        world.profile().next_check,
    )


@pytest.fixture(scope="module")
def published() -> World:
    goodbye = workflow(
        send("good-bye"),
        trigger={"type": "segment", "segment": "buyers", "on": "left"},
        category="transactional",
    )
    world = World()
    world.publish({**shop(herald=HERALD, goodbye=goodbye), **segments(buyers=BUYERS)})
    world.shelf.works.clear()
    return world


@pytest.mark.parametrize("scope", ["react", "looks", "trigger_date"])
def test_kill_at_any_call_changes_no_membership_or_mail(published: World, scope: Scope) -> None:
    undisturbed = World(published=published)
    story(undisturbed)
    expected = visible_result(undisturbed)
    assert membership_changes(undisturbed) == [
        ("Segment Entered", "buyers"),
        ("Segment Entered", "gold"),
        ("Segment Left", "buyers"),
    ]
    kills = [kill for kill, _ in undisturbed.faults.kills(scope)]
    assert kills
    for kill in kills:
        world = World(published=published, faults=Faults(kill))
        story(world)
        assert world.faults.struck
        assert visible_result(world) == expected, world.faults.struck


@pytest.mark.parametrize("echo", [2, 3])
def test_repeated_stream_records_change_no_membership_or_mail(published: World, echo: int) -> None:
    once, often = World(published=published), World(published=published, echo=echo)
    story(once)
    story(often)
    assert visible_result(often) == visible_result(once)


def test_same_path_twice_in_one_publish_makes_one_version() -> None:
    world = populated()
    world.files.write(STORE, "segments/gold.json", text(GOLD))
    world.publisher.publish(STORE, ["segments/gold.json", "segments/gold.json"])
    assert world.shelf.head(STORE).segments["gold"].version == 1


def test_segment_whose_time_was_shortened_is_left_at_the_new_time_by_those_inside() -> None:
    """Also if another segment changes before that: its look is the contact's next one."""
    bought = {"did": "Order Completed"}
    soon = {"title": "Bought lately", "condition": {**bought, "within": "10 days"}}
    long = {"title": "Customer", "condition": {**bought, "within": "60 days"}}
    world = opened({**shop(), **segments(soon=soon, customer=long)})
    world.event("Order Completed")
    world.run_for(minutes=5)
    assert inside(world) == {"soon", "customer"}
    world.publish(segments(customer={**long, "condition": {**bought, "within": "20 days"}}))
    world.run_for(days=15)
    assert inside(world) == {"customer"}
    world.run_for(days=6)
    assert inside(world) == set()
