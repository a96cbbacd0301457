"""A record that cannot be applied is put aside with its reason, and applied later exactly once."""

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


class Breaking:
    """Something that fails for some events, until it is mended."""

    def __init__(self, real: Any, breaks: Callable[[Any], bool], error: Exception) -> None:
        self.real, self.breaks, self.error = real, breaks, error
        self.tries = 0

    def apply(self, contact: str, event: Event, *rest: Any) -> AppliedEvent:
        if self.breaks(event):
            self.tries += 1
            raise self.error
        done: AppliedEvent = self.real.apply(contact, event, *rest)
        return done


def broken(world: Any, *names: str, error: Exception | None = None) -> Breaking:
    """Have events of these names fail."""
    breaking = Breaking(world.reactor, lambda e: e.name in names, error or KeyError("secret"))
    world.reactor = breaking
    return breaking


def mend(world: Any) -> None:
    world.reactor = world.reactor.real


def redriven(world: World, **how: bool) -> list[Redriven]:
    done = list(world.redriver.redrive(**how))
    world.run_for(minutes=1)
    return done


@pytest.fixture
def world() -> World:
    world = World()
    world.publish(shop(abandoned_cart=CART))
    return world


def test_a_poison_record_hurts_nobody_else_and_holds_up_nobody(world: World) -> None:
    breaking = broken(world, "Broken")
    world.event("Before")
    world.event("Broken")
    world.event("After")
    world.event("Other", email=BO)
    world.run_for(minutes=1)
    assert sorted(world.profile().totals) == ["After", "Before"]
    assert list(world.profile(BO).totals) == ["Other"]
    assert breaking.tries == MAX_ATTEMPTS


def test_the_letter_says_what_and_why_and_nothing_of_the_person(world: World) -> None:
    broken(world, "Broken")
    world.event("Broken", {"note": ADA})
    world.run_for(minutes=1)
    (letter,) = world.letters.queue
    assert (letter.store, letter.contact) == (STORE, world.contact())
    assert letter.key.startswith("EVENT#Broken#2026-11-02T12:00:00.000Z#")
    assert (letter.attempts, letter.applied) == (MAX_ATTEMPTS, False)
    assert letter.reason.startswith("KeyError")
    assert ADA not in str(letter.to_json())
    assert "secret" not in str(letter.to_json())
    assert DeadLetter.from_json(letter.to_json()) == letter


def test_a_reason_names_the_line_of_ours_that_failed() -> None:
    try:
        Profile(STORE, "c").get(cast("Any", []))
    except TypeError as error:
        assert reason_of(error).startswith("TypeError at milepost.contacts.profile:")


def test_a_world_that_cannot_answer_is_asked_for_longer(world: World) -> None:
    breaking = broken(world, "Broken", error=ThrottledError("no answer"))
    world.event("Broken")
    world.run_for(minutes=1)
    assert breaking.tries == MAX_THROTTLED_ATTEMPTS
    assert len(world.letters.queue) == 1


def test_a_redriven_record_is_applied_once_though_later_ones_were(world: World) -> None:
    broken(world, "Broken")
    for name in ("Before", "Broken", "After"):
        world.event(name, {"value": 5})
    world.run_for(minutes=1)
    mend(world)
    kept = list(world.letters.queue)
    assert [each.fate for each in redriven(world)] == ["applied"]
    assert world.letters.queue == []
    world.letters.queue += kept  # the queue hands it over a second time
    assert [each.fate for each in redriven(world)] == ["requested before"]
    assert {name: total.count for name, total in world.profile().totals.items()} == {
        "Before": 1, "Broken": 1, "After": 1,
    }  # fmt: skip


def test_a_redriven_record_begins_what_it_would_have_begun(world: World) -> None:
    world.consent()
    broken(world, "Checkout Started")
    world.event("Checkout Started", {"checkout_id": "k-1", "total": 150})
    world.run_for(minutes=5)
    mend(world)
    redriven(world)
    world.run_for(days=5)
    assert world.steps_mailed() == ["reminder", "offer", "last-call"]


def test_a_dry_run_says_what_lies_there_and_changes_nothing(world: World) -> None:
    broken(world, "Broken")
    world.event("Broken")
    world.run_for(minutes=1)
    mend(world)
    (told,) = redriven(world, dry_run=True)
    assert told.fate == "applied"
    assert len(world.letters.queue) == 1
    assert world.state.profiles == {}


def test_a_record_that_fails_again_is_a_letter_again(world: World) -> None:
    broken(world, "Broken")
    world.event("Broken")
    world.run_for(minutes=1)
    redriven(world)
    assert len(world.letters.queue) == 1
    mend(world)
    redriven(world)
    assert world.profile().totals["Broken"].count == 1


def test_what_had_been_applied_is_not_counted_again_but_brought_to_its_end(world: World) -> None:
    """The contact was written, and then its enrollment could not be begun."""
    world.consent()
    machines: Any = world.step_functions
    start = machines.start

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("no machine")

    machines.start = fails
    world.event("Checkout Started", {"checkout_id": "k-1", "total": 150})
    world.event("Product Viewed")
    world.run_for(minutes=5)
    (letter,) = world.letters.queue
    assert letter.applied
    machines.start = start
    redriven(world)
    assert world.profile().totals["Checkout Started"].count == 1
    world.run_for(days=5)
    assert world.steps_mailed() == ["reminder", "offer", "last-call"]


def test_what_nobody_can_tell_of_stays_until_one_insists(world: World) -> None:
    """Lambda gave up on it: the stream went on, and the position says nothing any more."""
    broken(world, "Broken")
    for name in ("Broken", "After"):
        world.event(name)
    world.run_for(minutes=1)
    mend(world)
    world.letters.queue[:] = [each._replace(applied=None) for each in world.letters.queue]
    assert [each.fate for each in redriven(world)] == ["unknown"]
    assert len(world.letters.queue) == 1
    assert [each.fate for each in redriven(world, insist=True)] == ["applied"]
    assert world.profile().totals["Broken"].count == 1


def test_a_letter_of_a_contact_that_is_another_by_now_is_applied_to_that_one(world: World) -> None:
    broken(world, "Broken")
    world.event("Seen", email=None, external_id="7")
    world.event("Broken", email=None, external_id="7")
    world.run_for(minutes=1)
    world.event("Seen", email=ADA)
    world.run_for(minutes=1)
    world.event("Linked", email=ADA, external_id="7")
    world.run_for(minutes=1)
    mend(world)
    redriven(world)
    (one,) = (p for p in world.state.profiles.values() if not p.merged_into)
    assert {name: total.count for name, total in one.totals.items()} == {
        "Seen": 2, "Broken": 1, "Linked": 1,
    }  # fmt: skip


def told(reports: list[Event], bad: set[int]) -> Profile:
    """The contact after these reports, of which some were poison at first."""
    world: Any = World()
    world.publish({"settings.json": settings_file()})
    poison = [reports[number] for number in bad]
    breaking = Breaking(world.reactor, lambda e: e in poison, ValueError("poison"))
    world.reactor = breaking
    for each in reports:
        world.append(each)
    world.run_for(minutes=1)
    assert len(world.letters.queue) == len({(e.name, e.occurred_at, e.id) for e in poison})
    mend(world)
    for _ in range(2):
        redriven(world)
    profile: Profile = world.profile()
    return replace(profile, last_sequence=0)


@given(timeline=timelines, choices=st.data())
@settings(max_examples=how_many(100), deadline=None, derandomize=True)
def test_whatever_was_poison_the_contact_is_the_same_in_the_end(
    timeline: list[Event], choices: st.DataObject
) -> None:
    reports = [event("Seen", email=ADA, id_="first"), *timeline]
    bad = choices.draw(st.sets(st.integers(0, len(reports) - 1)))
    assert told(reports, bad) == told(reports, set())
