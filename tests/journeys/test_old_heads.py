"""For half a minute a function may act on what was live before: nobody who was called is lost."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from milepost.adapters.memory.registry import MemoryRegistry
from milepost.domain.broadcasts import Round
from milepost.domain.event_names import DATE, INACTIVE
from milepost.domain.events import Event
from milepost.domain.occasions import Occasion, occasion_key
from milepost.ports.published import Head
from tests.support.builders import STORE, Json, send, shop, workflow
from tests.support.world import World

BIRTHDAY: Json = {"type": "date", "field": "properties.birthday"}
SILENCE: Json = {"type": "inactivity", "events": ["Visited"], "for": "90 days"}
ROUND: Json = {"type": "schedule", "at": "2026-11-02T13:00", "segment": "readers"}
MANUAL: Json = {"type": "manual"}


@dataclass(frozen=True, slots=True)
class Believer(MemoryRegistry):
    """Knows the head that it was made with, until it is asked anew."""

    old: dict[str, Head] = field(default_factory=dict)
    asked_anew: list[str] = field(default_factory=list)

    def head(self, store: str, anew: bool = False) -> Head:
        if anew:
            self.asked_anew.append(store)
            return MemoryRegistry.head(self, store)
        return self.old[store]


def published_behind_its_back(trigger: Json) -> tuple[World, Believer]:
    """A world whose `react` does not know yet that a workflow has gone live."""
    world = World()
    readers = {"segments/readers.json": {"title": "Readers", "static": True}}
    world.publish({**shop(), **readers})
    world.consent()
    world.run_for(minutes=1)
    registry = Believer(world.shelf, old={STORE: world.shelf.head(STORE)})
    world.reactor = replace(world.reactor, registry=registry)
    world.publish(shop(called=workflow(send("mail"), trigger=trigger)))
    return world, registry


def told(world: World, trigger: Json) -> Event:
    """What the clock appends when that has come which a trigger plans."""
    key, profile = occasion_key(trigger), world.profile()
    if trigger is ROUND:
        return Round(STORE, key, "readers", world.now).event()
    name: Any = DATE if trigger is BIRTHDAY else INACTIVE
    return Occasion(name, key, "2026-11-02", world.now, {}).event(profile)


@pytest.mark.parametrize("trigger", [BIRTHDAY, SILENCE, ROUND], ids=["date", "silence", "round"])
def test_whom_the_clock_calls_is_let_in_by_a_workflow_that_has_just_gone_live(
    trigger: Json,
) -> None:
    world, registry = published_behind_its_back(trigger)
    world.timeline.append(world.contact(), told(world, trigger))
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail"]
    assert registry.asked_anew == [STORE]


def test_whom_the_shop_starts_is_let_in_by_a_workflow_that_has_just_gone_live() -> None:
    world, registry = published_behind_its_back(MANUAL)
    world.event("Workflow Started", {"workflow": "called"})
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail"]
    assert registry.asked_anew == [STORE]


def test_what_a_known_workflow_is_called_for_costs_no_other_read() -> None:
    world, registry = published_behind_its_back(MANUAL)
    registry.old[STORE] = world.shelf.head(STORE)
    world.event("Workflow Started", {"workflow": "called"})
    world.event("Visited")
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail"]
    assert registry.asked_anew == []
