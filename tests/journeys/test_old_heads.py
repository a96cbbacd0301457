"""A cached head can be 30 seconds old: events addressed to a new workflow are not lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from milepost.contacts.event import Event
from milepost.contacts.event_names import DATE, INACTIVE
from milepost.enrollments.due_triggers import DueTrigger
from milepost.enrollments.trigger_types import time_trigger_key
from milepost.published.head import PublishedState
from milepost.runtime.broadcasts import BroadcastRun
from milepost.simulator.memory.published import MemoryPublished
from milepost.stores.settings import StoreSettings
from tests.support.builders import STORE, Content, Json, send, settings, shop, workflow
from tests.support.world import World

BIRTHDAY: Json = {"type": "date", "field": "properties.birthday"}
INACTIVITY: Json = {"type": "inactivity", "events": ["Visited"], "for": "90 days"}
SCHEDULE: Json = {"type": "schedule", "at": "2026-11-02T13:00", "segment": "readers"}
MANUAL: Json = {"type": "manual"}


@dataclass(frozen=True, slots=True)
class StaleRegistry(MemoryPublished):
    """Returns its old head until it is asked for a fresh one."""

    old: dict[str, PublishedState] = field(default_factory=dict)
    refreshed: list[str] = field(default_factory=list)

    def head(self, store: str, anew: bool = False) -> PublishedState:
        if anew:
            self.refreshed.append(store)
            return MemoryPublished.head(self, store)
        return self.old[store]


def publish_with_stale_registry(
    trigger: Json, before: Mapping[str, Content] | None = None
) -> tuple[World, StaleRegistry]:
    """A world whose `react` does not know a new workflow yet. `before` is published earlier."""
    world = World()
    readers = {"segments/readers.json": {"title": "Readers", "static": True}}
    world.publish({**shop(), **readers, **(before or {})})
    world.consent()
    world.run_for(minutes=1)
    registry = StaleRegistry(world.shelf, old={STORE: world.shelf.head(STORE)})
    world.event_applier = replace(world.event_applier, registry=registry)
    world.publish(shop(targeted=workflow(send("mail"), trigger=trigger)))
    return world, registry


def send_trigger_event(world: World, trigger: Json) -> None:
    if trigger is MANUAL:
        world.event("Workflow Started", {"workflow": "targeted"})
    else:
        world.timeline.append(world.contact(), targeted_event(world, trigger))
    world.run_for(minutes=1)


def targeted_event(world: World, trigger: Json) -> Event:
    """The event that the scheduler appends when a trigger is due."""
    key, profile = time_trigger_key(trigger), world.profile()
    if trigger is SCHEDULE:
        return BroadcastRun(STORE, key, "readers", world.now).event()
    name: Any = DATE if trigger is BIRTHDAY else INACTIVE
    return DueTrigger(name, key, "2026-11-02", world.now, {}).event(profile)


TRIGGERS = {"date": BIRTHDAY, "inactivity": INACTIVITY, "schedule": SCHEDULE, "manual": MANUAL}


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
def test_targeted_event_enters_a_workflow_published_a_moment_ago(trigger: Json) -> None:
    world, registry = publish_with_stale_registry(trigger)
    send_trigger_event(world, trigger)
    assert world.steps_mailed() == ["mail"]
    assert registry.refreshed == [STORE]


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
@pytest.mark.parametrize("status", ["draft", "paused"])
def test_targeted_event_enters_a_workflow_that_was_draft_or_paused_before(
    trigger: Json, status: str
) -> None:
    before = {"workflows/targeted.json": workflow(send("mail"), trigger=trigger, status=status)}
    world, _ = publish_with_stale_registry(trigger, before)
    send_trigger_event(world, trigger)
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
def test_targeted_event_enters_when_the_store_was_paused_before(trigger: Json) -> None:
    world, registry = publish_with_stale_registry(trigger)
    paused = StoreSettings.from_json(settings(paused=True))
    registry.old[STORE] = world.shelf.head(STORE)._replace(settings=paused)
    send_trigger_event(world, trigger)
    assert world.steps_mailed() == ["mail"]


def test_fired_date_does_not_fire_again_from_a_stale_cache() -> None:
    world = World()
    world.publish(shop())
    world.event("Signed Up", properties={"birthday": "1990-11-03"})
    world.run_until(datetime(2026, 11, 3, 8, 59, 40, tzinfo=UTC))
    stale = StaleRegistry(world.shelf, old={STORE: world.shelf.head(STORE)})
    wishes = workflow(send("wishes"), trigger=BIRTHDAY, category="transactional")
    world.publish({"workflows/wishes.json": wishes})
    world.event("Visited")
    world.run_until(datetime(2026, 11, 3, 9, 0, 5, tzinfo=UTC))
    current_reactor, world.event_applier = (
        world.event_applier,
        replace(world.event_applier, registry=stale),
    )
    world.event("Visited")
    world.run_for(seconds=2)
    world.event_applier = current_reactor
    world.run_for(days=1)
    assert world.steps_mailed() == ["wishes"]
    assert sum(done.came for done in world.scheduler_results) == 1


def test_event_for_a_known_workflow_costs_no_second_read() -> None:
    world, registry = publish_with_stale_registry(MANUAL)
    registry.old[STORE] = world.shelf.head(STORE)
    world.event("Workflow Started", {"workflow": "targeted"})
    world.event("Visited")
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail"]
    assert registry.refreshed == []
