"""A record that cannot be applied is quarantined with its reason, and redrive exactly once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.base.errors import ThrottledError
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.runtime.dead_letters import (
    MAX_ATTEMPTS,
    MAX_THROTTLED_ATTEMPTS,
    DeadLetter,
    reason_of,
)
from milepost.runtime.react import AppliedEvent
from milepost_tools.operations.redrive import Redriven
from tests.journeys.stories import CART
from tests.support.builders import ADA, STORE, event, shop
from tests.support.builders import settings as settings_file
from tests.support.laws import how_many
from tests.support.random_events import timelines
from tests.support.world import World

BO = "bo@mail.example"


class FailingReactor:
    """A reactor that fails for some events."""

    def __init__(self, real: Any, breaks: Callable[[Any], bool], error: Exception) -> None:
        self.real, self.breaks, self.error = real, breaks, error
        self.tries = 0

    def apply(self, contact: str, event: Event, *rest: Any) -> AppliedEvent:
        if self.breaks(event):
            self.tries += 1
            raise self.error
        done: AppliedEvent = self.real.apply(contact, event, *rest)
        return done


def fail_for(world: Any, *names: str, error: Exception | None = None) -> FailingReactor:
    """Let events with these names fail."""
    failing = FailingReactor(
        world.event_applier, lambda e: e.name in names, error or KeyError("secret")
    )
    world.event_applier = failing
    return failing


def repair(world: Any) -> None:
    world.event_applier = world.event_applier.real


def redrive(world: World, **options: bool) -> list[Redriven]:
    done = list(world.redriver.redrive(**options))
    world.run_for(minutes=1)
    return done


@pytest.fixture
def world() -> World:
    world = World()
    world.publish(shop(abandoned_cart=CART))
    return world


def test_failing_record_blocks_no_other_event_or_contact(world: World) -> None:
    failing = fail_for(world, "Broken")
    world.event("Before")
    world.event("Broken")
    world.event("After")
    world.event("Other", email=BO)
    world.run_for(minutes=1)
    assert sorted(world.profile().totals) == ["After", "Before"]
    assert list(world.profile(BO).totals) == ["Other"]
    assert failing.tries == MAX_ATTEMPTS


def test_dead_letter_names_record_and_error_without_personal_data(world: World) -> None:
    fail_for(world, "Broken")
    world.event("Broken", {"note": ADA})
    world.run_for(minutes=1)
    (dead_letter,) = world.letters.queue
    assert (dead_letter.store, dead_letter.contact) == (STORE, world.contact())
    assert dead_letter.key.startswith("EVENT#Broken#2026-11-02T12:00:00.000Z#")
    assert (dead_letter.attempts, dead_letter.applied) == (MAX_ATTEMPTS, False)
    assert dead_letter.reason.startswith("KeyError")
    assert ADA not in str(dead_letter.to_json())
    assert "secret" not in str(dead_letter.to_json())
    assert DeadLetter.from_json(dead_letter.to_json()) == dead_letter


def test_reason_names_the_failing_line_of_milepost() -> None:
    try:
        Profile(STORE, "c").get(cast("Any", []))
    except TypeError as error:
        assert reason_of(error).startswith("TypeError at milepost.contacts.profile:")


def test_throttled_record_gets_more_attempts(world: World) -> None:
    failing = fail_for(world, "Broken", error=ThrottledError("no answer"))
    world.event("Broken")
    world.run_for(minutes=1)
    assert failing.tries == MAX_THROTTLED_ATTEMPTS
    assert len(world.letters.queue) == 1


def test_redriven_record_is_applied_once_after_later_records(world: World) -> None:
    fail_for(world, "Broken")
    for name in ("Before", "Broken", "After"):
        world.event(name, {"value": 5})
    world.run_for(minutes=1)
    repair(world)
    queued = list(world.letters.queue)
    assert [each.result for each in redrive(world)] == ["applied"]
    assert world.letters.queue == []
    world.letters.queue += queued  # the queue delivers it a second time
    assert [each.result for each in redrive(world)] == ["requested before"]
    assert {name: total.count for name, total in world.profile().totals.items()} == {
        "Before": 1,
        "Broken": 1,
        "After": 1,
    }


def test_redriven_record_starts_its_workflow(world: World) -> None:
    world.consent()
    fail_for(world, "Checkout Started")
    world.event("Checkout Started", {"checkout_id": "k-1", "total": 150})
    world.run_for(minutes=5)
    repair(world)
    redrive(world)
    world.run_for(days=5)
    assert world.steps_mailed() == ["reminder", "offer", "last-call"]


def test_redrive_dry_run_lists_records_and_changes_nothing(world: World) -> None:
    fail_for(world, "Broken")
    world.event("Broken")
    world.run_for(minutes=1)
    repair(world)
    (result,) = redrive(world, dry_run=True)
    assert result.result == "applied"
    assert len(world.letters.queue) == 1
    assert world.state.profiles == {}


def test_redriven_record_that_fails_again_is_quarantined_again(world: World) -> None:
    fail_for(world, "Broken")
    world.event("Broken")
    world.run_for(minutes=1)
    redrive(world)
    assert len(world.letters.queue) == 1
    repair(world)
    redrive(world)
    assert world.profile().totals["Broken"].count == 1


def test_redrive_of_applied_record_only_starts_the_missing_enrollment(world: World) -> None:
    """The profile was written, but the execution could not start."""
    world.consent()
    step_functions: Any = world.step_functions
    start = step_functions.start

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("no state machine")

    step_functions.start = fails
    world.event("Checkout Started", {"checkout_id": "k-1", "total": 150})
    world.event("Product Viewed")
    world.run_for(minutes=5)
    (dead_letter,) = world.letters.queue
    assert dead_letter.applied
    step_functions.start = start
    redrive(world)
    assert world.profile().totals["Checkout Started"].count == 1
    world.run_for(days=5)
    assert world.steps_mailed() == ["reminder", "offer", "last-call"]


def test_record_with_unknown_state_is_redriven_only_with_insist(world: World) -> None:
    """Lambda gave up on the record and the stream continued, so its position says nothing."""
    fail_for(world, "Broken")
    for name in ("Broken", "After"):
        world.event(name)
    world.run_for(minutes=1)
    repair(world)
    world.letters.queue[:] = [each._replace(applied=None) for each in world.letters.queue]
    assert [each.result for each in redrive(world)] == ["unknown"]
    assert len(world.letters.queue) == 1
    assert [each.result for each in redrive(world, insist=True)] == ["applied"]
    assert world.profile().totals["Broken"].count == 1


def test_redrive_follows_a_contact_that_was_merged(world: World) -> None:
    fail_for(world, "Broken")
    world.event("Seen", email=None, external_id="7")
    world.event("Broken", email=None, external_id="7")
    world.run_for(minutes=1)
    world.event("Seen", email=ADA)
    world.run_for(minutes=1)
    world.event("Linked", email=ADA, external_id="7")
    world.run_for(minutes=1)
    repair(world)
    redrive(world)
    (one,) = (p for p in world.state.profiles.values() if not p.merged_into)
    assert {name: total.count for name, total in one.totals.items()} == {
        "Seen": 2,
        "Broken": 1,
        "Linked": 1,
    }


def profile_after(events: list[Event], bad: set[int]) -> Profile:
    """The profile after these events, of which some failed at first."""
    world: Any = World()
    world.publish({"settings.json": settings_file()})
    poison = [events[number] for number in bad]
    failing = FailingReactor(world.event_applier, lambda e: e in poison, ValueError("poison"))
    world.event_applier = failing
    for each in events:
        world.append(each)
    world.run_for(minutes=1)
    assert len(world.letters.queue) == len({(e.name, e.occurred_at, e.id) for e in poison})
    repair(world)
    for _ in range(2):
        redrive(world)
    profile: Profile = world.profile()
    return replace(profile, last_sequence=0)


@given(timeline=timelines, choices=st.data())
@settings(max_examples=how_many(100), deadline=None, derandomize=True)
def test_redrive_gives_the_same_contact_whichever_records_failed(
    timeline: list[Event], choices: st.DataObject
) -> None:
    events = [event("Seen", email=ADA, id_="first"), *timeline]
    bad = choices.draw(st.sets(st.integers(0, len(events) - 1)))
    assert profile_after(events, bad) == profile_after(events, set())
