"""Each minute there is much to do: whoever cannot be dealt with holds up nobody else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.base.refs import ContactRef, EnrollmentRef, MessageRef
from milepost.runtime.scheduler import run_due
from tests.journeys.test_broadcasts import Newsroom
from tests.support.builders import MONDAY_NOON, Json, delay, send, shop, workflow
from tests.support.world import World

PEOPLE = [f"{number}@mail.example" for number in range(5)]
STUCK = PEOPLE[1]


class Broken:
    """A port one of whose methods fails in certain cases."""

    def __init__(self, port: Any, method: str, fails: Callable[..., bool]) -> None:
        self._port, self._method, self._fails = port, method, fails
        self.failed = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._port, name)

        def call(*args: Any, **named: Any) -> Any:
            if name == self._method and self._fails(*args):
                self.failed += 1
                raise LookupError("this one fails for ever")
            return act(*args, **named)

        return call


def waiting(**head: Any) -> World:
    """Five people who wait for 40 days before they get a mail; 39 of them are over."""
    world = World()
    world.publish(shop(visit=wait("second", **head)))
    for person in PEOPLE:
        world.event("Visited", email=person)
    world.run_for(days=39)
    return world


def wait(mail: str, **head: Any) -> Json:
    more = {"category": "transactional", "on": "Visited", **head}
    return workflow(delay("40 days", "pause"), send(mail), **more)


def is_stuck(world: World) -> Callable[..., bool]:
    stuck = world.contact(STUCK)
    return lambda *args: any(getattr(arg, "contact", None) == stuck for arg in args)


def mailed(world: World) -> dict[str, list[str]]:
    return {person: world.steps_mailed(person) for person in PEOPLE}


def everybody(steps: list[str]) -> dict[str, list[str]]:
    return all_but_one(steps, steps)


def all_but_one(steps: list[str], stuck: list[str]) -> dict[str, list[str]]:
    return {person: stuck if person == STUCK else steps for person in PEOPLE}


def test_a_leg_that_cannot_begin_holds_up_no_other_and_begins_when_it_can() -> None:
    world = waiting()
    legs = world.legs
    broken: Any = Broken(world.engine, "start", is_stuck(world))
    world.legs = replace(legs, engine=broken)
    world.run_for(days=1, hours=3)
    assert mailed(world) == all_but_one(["second"], [])
    assert broken.failed > 100
    world.legs = legs
    world.run_for(minutes=2)
    assert mailed(world) == everybody(["second"])


@pytest.mark.parametrize(
    ("new", "method", "others", "healed"),
    [
        (wait("better", active_enrollments={"on_publish": "cancel"}), "finish", [], []),
        (
            wait("better", active_enrollments={"on_publish": "migrate"}),
            "migrate",
            ["better"],
            ["better"],
        ),
    ],
    ids=["cancel", "migrate"],
)
def test_somebody_who_cannot_be_moved_holds_up_no_other_and_is_tried_again(
    new: Json, method: str, others: list[str], healed: list[str]
) -> None:
    world = waiting()
    crowd = world.crowd
    broken: Any = Broken(world.enrollments, method, is_stuck(world))
    world.crowd = replace(crowd, enrollments=broken)
    world.publish({"workflows/visit.json": new})
    world.run_for(hours=3)
    assert broken.failed > 100
    left = {e.status for p in PEOPLE if p != STUCK for e in world.enrollments_of(p)}
    assert left == {"active" if method == "migrate" else "exited"}
    world.crowd = crowd
    world.run_for(days=3)
    assert mailed(world) == all_but_one(others, healed)
    assert world.shelf.works == {}


def test_somebody_who_cannot_be_thawed_holds_up_no_other_and_is_tried_again() -> None:
    world = waiting()
    world.publish({"workflows/visit.json": {**wait("second"), "status": "paused"}})
    world.run_for(days=2)
    crowd = world.crowd
    broken: Any = Broken(world.enrollments, "reschedule", is_stuck(world))
    world.crowd = replace(crowd, enrollments=broken)
    world.publish({"workflows/visit.json": wait("second")})
    world.run_for(days=1, hours=1)
    assert mailed(world) == all_but_one(["second"], [])
    world.crowd = crowd
    world.run_for(days=1)
    assert mailed(world) == everybody(["second"])
    assert world.shelf.works == {}


def test_a_part_of_the_minute_that_fails_holds_up_no_other_part() -> None:
    world = waiting()
    broken: Any = Broken(world.works, "open", lambda: True)
    world.crowd = replace(world.crowd, works=broken)
    world.look_works = replace(world.look_works, works=broken)
    world.run_for(days=1, hours=1)
    assert mailed(world) == everybody(["second"])


def test_a_store_that_cannot_be_looked_at_holds_up_no_other() -> None:
    world = World()
    segment = {"title": "Buyers", "condition": {"did": "Order Completed"}}
    world.publish({**shop(), "segments/buyers.json": segment})
    (work,) = world.works.open()
    both = [work._replace(store="another"), work]
    works: Any = Listed(both, [])
    registry: Any = Broken(world.registry, "head", lambda store: store == "another")
    world.run_for(seconds=70)
    apart = ErrorCollector()
    replace(world.look_works, works=works, registry=registry).begin(apart)
    assert [work.store for work in works.closed] == [work.store]
    with pytest.raises(ThrottledError, match="looks: 1 could not be done"):
        apart.raise_if_any("looks")


@dataclass(frozen=True, slots=True)
class Listed:
    """Works that a test has written down."""

    works: list[Any]
    closed: list[Any]

    def open(self) -> list[Any]:
        return self.works

    def close(self, work: Any) -> None:
        self.closed.append(work)


def test_a_broadcast_that_fails_holds_up_no_other() -> None:
    room = Newsroom()
    (work,) = [work for work in room.world.works.open() if work.kind == "broadcast"]
    room.world.run_until(work.at)
    works: Any = Both(room.world.works, work._replace(store="another"))
    registry: Any = Broken(room.world.registry, "head", lambda store: store == "another")
    broadcaster = replace(room.broadcaster, works=works, registry=registry)
    with pytest.raises(ThrottledError, match="broadcasts: 1 could not be done"):
        broadcaster.advance()
    assert len([r for r in room.world.state.stream if r.event.name == "Schedule Reached"]) == 5


class Both:
    """The works of a store, after one of another's."""

    def __init__(self, works: Any, first: Any) -> None:
        self._works, self._first = works, first

    def open(self) -> list[Any]:
        return [self._first, *self._works.open()]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._works, name)


# --- what fails for long ---


@dataclass(slots=True)
class Clockwork:
    """Timers that are due for ever."""

    dues: list[Any]
    put_off_: list[Any]
    noted: int = 0

    def due(self, now: datetime) -> list[Any]:
        return self.dues

    def put_off(self, ref: MessageRef | EnrollmentRef | ContactRef, now: datetime) -> None:
        self.put_off_.append(ref)

    def done_before(self, now: datetime) -> None:
        self.noted += 1


def test_only_what_could_not_be_done_is_put_off_and_the_search_goes_on_from_there() -> None:
    world = waiting()
    refs = [enrollment.ref for person in PEOPLE for enrollment in world.enrollments_of(person)]
    timers: Any = Clockwork(refs, [])
    legs = replace(world.legs, registry=Broken(world.registry, "head", lambda _: True))
    legs = replace(legs, enrollments=Broken(world.enrollments, "load", is_stuck(world)))
    apart = ErrorCollector()
    done = run_due(timers, world.resender, legs, world.lookouts, MONDAY_NOON, apart)
    assert done.begun == 4
    assert [ref.contact for ref in timers.put_off_] == [world.contact(STUCK)]
    assert timers.noted == 1


def test_what_there_was_no_time_for_is_not_put_off_and_keeps_the_search_where_it_is() -> None:
    world = waiting()
    refs = [enrollment.ref for person in PEOPLE for enrollment in world.enrollments_of(person)]
    timers: Any = Clockwork(refs, [])
    apart = ErrorCollector()
    done = run_due(timers, world.resender, world.legs, world.lookouts, MONDAY_NOON, apart, most=3)
    assert (done.begun, timers.put_off_, timers.noted) == (3, [], 0)


def test_of_those_who_fail_no_more_are_tried_in_a_minute_than_of_others() -> None:
    world = waiting()
    refs = [enrollment.ref for person in PEOPLE for enrollment in world.enrollments_of(person)]
    timers: Any = Clockwork(refs, [])
    broken: Any = Broken(world.enrollments, "load", lambda *_: True)
    legs = replace(world.legs, enrollments=broken)
    run_due(timers, world.resender, legs, world.lookouts, MONDAY_NOON, ErrorCollector(), most=3)
    assert (broken.failed, len(timers.put_off_), timers.noted) == (3, 3, 0)


def test_people_of_one_workflow_who_fail_hold_up_nobody_of_another() -> None:
    world = World(most=2)
    first, second = wait("first", on="A"), wait("second", on="B")
    world.publish(shop(a=first, b=second))
    for person in PEOPLE:
        world.event("A", email=person)
    world.event("B", email=STUCK)
    world.run_for(days=39)
    still = {"workflows/a.json": {**first, "status": "paused"}}
    world.publish({**still, "workflows/b.json": {**second, "status": "paused"}})
    world.run_for(days=2)
    broken: Any = Broken(world.enrollments, "reschedule", lambda ref, *_: ref.workflow == "a")
    world.crowd = replace(world.crowd, enrollments=broken)
    world.publish({"workflows/a.json": first, "workflows/b.json": second})
    world.run_for(days=1, hours=2)
    assert broken.failed > 100
    assert mailed(world) == all_but_one([], ["second"])
