"""For half a minute a function may act on what was live before: nobody who was called is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from milepost.contacts.event import Event
from milepost.contacts.event_names import DATE, INACTIVE
from milepost.enrollments.due_triggers import DueTrigger
from milepost.enrollments.time_triggers import time_trigger_key
from milepost.published.head import PublishedState
from milepost.runtime.broadcasts import BroadcastRun
from milepost.simulator.memory.published import MemoryPublished
from milepost.stores.settings import StoreSettings
from tests.support.builders import STORE, Content, Json, send, settings, shop, workflow
from tests.support.world import World

BIRTHDAY: Json = {"type": "date", "field": "properties.birthday"}
SILENCE: Json = {"type": "inactivity", "events": ["Visited"], "for": "90 days"}
ROUND: Json = {"type": "schedule", "at": "2026-11-02T13:00", "segment": "readers"}
MANUAL: Json = {"type": "manual"}


@dataclass(frozen=True, slots=True)
class Believer(MemoryPublished):
    """Knows the head that it was made with, until it is asked anew."""

    old: dict[str, PublishedState] = field(default_factory=dict)
    asked_anew: list[str] = field(default_factory=list)

    def head(self, store: str, anew: bool = False) -> PublishedState:
        if anew:
            self.asked_anew.append(store)
            return MemoryPublished.head(self, store)
        return self.old[store]


def published_behind_its_back(
    trigger: Json, before: Mapping[str, Content] | None = None
) -> tuple[World, Believer]:
    """A world whose `react` does not know yet that a workflow has gone live; `before` is what it
    knows instead."""
    world = World()
    readers = {"segments/readers.json": {"title": "Readers", "static": True}}
    world.publish({**shop(), **readers, **(before or {})})
    world.consent()
    world.run_for(minutes=1)
    registry = Believer(world.shelf, old={STORE: world.shelf.head(STORE)})
    world.reactor = replace(world.reactor, registry=registry)
    world.publish(shop(called=workflow(send("mail"), trigger=trigger)))
    return world, registry


def call(world: World, trigger: Json) -> None:
    if trigger is MANUAL:
        world.event("Workflow Started", {"workflow": "called"})
    else:
        world.timeline.append(world.contact(), told(world, trigger))
    world.run_for(minutes=1)


def told(world: World, trigger: Json) -> Event:
    """What the clock appends when that has come which a trigger plans."""
    key, profile = time_trigger_key(trigger), world.profile()
    if trigger is ROUND:
        return BroadcastRun(STORE, key, "readers", world.now).event()
    name: Any = DATE if trigger is BIRTHDAY else INACTIVE
    return DueTrigger(name, key, "2026-11-02", world.now, {}).event(profile)


TRIGGERS = {"date": BIRTHDAY, "silence": SILENCE, "round": ROUND, "start": MANUAL}


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
def test_who_is_called_is_let_in_by_a_workflow_that_has_just_gone_live(trigger: Json) -> None:
    world, registry = published_behind_its_back(trigger)
    call(world, trigger)
    assert world.steps_mailed() == ["mail"]
    assert registry.asked_anew == [STORE]


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
@pytest.mark.parametrize("status", ["draft", "paused"])
def test_who_is_called_is_let_in_by_a_workflow_that_was_not_live_before(
    trigger: Json, status: str
) -> None:
    before = {"workflows/called.json": workflow(send("mail"), trigger=trigger, status=status)}
    world, _ = published_behind_its_back(trigger, before)
    call(world, trigger)
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
def test_who_is_called_is_let_in_when_the_store_was_paused_before(trigger: Json) -> None:
    world, registry = published_behind_its_back(trigger)
    paused = StoreSettings.from_json(settings(paused=True))
    registry.old[STORE] = world.shelf.head(STORE)._replace(settings=paused)
    call(world, trigger)
    assert world.steps_mailed() == ["mail"]


def test_a_day_that_came_does_not_come_again_for_a_function_that_knew_nothing_of_it() -> None:
    world = World()
    world.publish(shop())
    world.event("Signed Up", properties={"birthday": "1990-11-03"})
    world.run_until(datetime(2026, 11, 3, 8, 59, 40, tzinfo=UTC))
    behind = Believer(world.shelf, old={STORE: world.shelf.head(STORE)})
    wishes = workflow(send("wishes"), trigger=BIRTHDAY, category="transactional")
    world.publish({"workflows/wishes.json": wishes})
    world.event("Visited")
    world.run_until(datetime(2026, 11, 3, 9, 0, 5, tzinfo=UTC))
    knowing, world.reactor = world.reactor, replace(world.reactor, registry=behind)
    world.event("Visited")
    world.run_for(seconds=2)
    world.reactor = knowing
    world.run_for(days=1)
    assert world.steps_mailed() == ["wishes"]
    assert sum(done.came for done in world.reconciled) == 1


def test_what_a_known_workflow_is_called_for_costs_no_other_read() -> None:
    world, registry = published_behind_its_back(MANUAL)
    registry.old[STORE] = world.shelf.head(STORE)
    world.event("Workflow Started", {"workflow": "called"})
    world.event("Visited")
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail"]
    assert registry.asked_anew == []
