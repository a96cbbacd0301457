"""One failing item must not block the scheduler, other enrollments or other stores."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.base.names import ContactRef, EnrollmentRef, MessageRef
from milepost.runtime.scheduler import run_due
from tests.journeys.test_broadcasts import NewsletterShop
from tests.support.builders import MONDAY_NOON, Json, delay, send, shop, workflow
from tests.support.world import World

PEOPLE = [f"{number}@mail.example" for number in range(5)]
STUCK = PEOPLE[1]


class FailingPort:
    """A port with a method that fails in certain cases."""

    def __init__(self, port: Any, method: str, fails: Callable[..., bool]) -> None:
        self._port, self._method, self._fails = port, method, fails
        self.failed = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._port, name)

        def call(*args: Any, **named: Any) -> Any:
            if name == self._method and self._fails(*args):
                self.failed += 1
                raise LookupError("always fails")
            return act(*args, **named)

        return call


def waiting(**head: Any) -> World:
    """Five contacts in a delay of 40 days, after 39 days."""
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


def all_contacts(steps: list[str]) -> dict[str, list[str]]:
    return all_except_stuck(steps, steps)


def all_except_stuck(steps: list[str], stuck: list[str]) -> dict[str, list[str]]:
    return {person: stuck if person == STUCK else steps for person in PEOPLE}


def test_execution_that_cannot_start_blocks_no_other_and_is_retried() -> None:
    world = waiting()
    usual = world.execution_starter
    broken: Any = FailingPort(world.engine, "start", is_stuck(world))
    world.execution_starter = replace(usual, engine=broken)
    world.run_for(days=1, hours=3)
    assert mailed(world) == all_except_stuck(["second"], [])
    assert broken.failed > 100
    world.execution_starter = usual
    world.run_for(minutes=2)
    assert mailed(world) == all_contacts(["second"])


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
def test_enrollment_that_cannot_be_rolled_out_blocks_no_other_and_is_retried(
    new: Json, method: str, others: list[str], healed: list[str]
) -> None:
    world = waiting()
    usual = world.rollout
    broken: Any = FailingPort(world.enrollments, method, is_stuck(world))
    world.rollout = replace(usual, enrollments=broken)
    world.publish({"workflows/visit.json": new})
    world.run_for(hours=3)
    assert broken.failed > 100
    left = {e.status for p in PEOPLE if p != STUCK for e in world.enrollments_of(p)}
    assert left == {"active" if method == "migrate" else "exited"}
    world.rollout = usual
    world.run_for(days=3)
    assert mailed(world) == all_except_stuck(others, healed)
    assert world.shelf.works == {}


def test_enrollment_that_cannot_be_resumed_blocks_no_other_and_is_retried() -> None:
    world = waiting()
    world.publish({"workflows/visit.json": {**wait("second"), "status": "paused"}})
    world.run_for(days=2)
    usual = world.rollout
    broken: Any = FailingPort(world.enrollments, "reschedule", is_stuck(world))
    world.rollout = replace(usual, enrollments=broken)
    world.publish({"workflows/visit.json": wait("second")})
    world.run_for(days=1, hours=1)
    assert mailed(world) == all_except_stuck(["second"], [])
    world.rollout = usual
    world.run_for(days=1)
    assert mailed(world) == all_contacts(["second"])
    assert world.shelf.works == {}


def test_failing_scheduler_task_blocks_no_other_task() -> None:
    world = waiting()
    broken: Any = FailingPort(world.works, "open", lambda: True)
    world.rollout = replace(world.rollout, works=broken)
    world.backfill_scheduler = replace(world.backfill_scheduler, works=broken)
    world.run_for(days=1, hours=1)
    assert mailed(world) == all_contacts(["second"])


def test_store_that_fails_in_backfill_blocks_no_other() -> None:
    world = World()
    segment = {"title": "Buyers", "condition": {"did": "Order Completed"}}
    world.publish({**shop(), "segments/buyers.json": segment})
    (job,) = world.works.open()
    both = [job._replace(store="another"), job]
    jobs: Any = FixedJobs(both, [])
    registry: Any = FailingPort(world.registry, "head", lambda store: store == "another")
    world.run_for(seconds=70)
    errors = ErrorCollector()
    replace(world.backfill_scheduler, works=jobs, registry=registry).begin(errors)
    assert [closed.store for closed in jobs.closed] == [job.store]
    with pytest.raises(ThrottledError, match="looks: 1 could not be done"):
        errors.raise_if_any("looks")


@dataclass(frozen=True, slots=True)
class FixedJobs:
    """Implements `JobStore` with fixed jobs."""

    jobs: list[Any]
    closed: list[Any]

    def open(self) -> list[Any]:
        return self.jobs

    def close(self, work: Any) -> None:
        self.closed.append(work)


def test_failing_broadcast_blocks_no_other() -> None:
    newsletter = NewsletterShop()
    (work,) = [work for work in newsletter.world.works.open() if work.kind == "broadcast"]
    newsletter.world.run_until(work.at)
    works: Any = JobsWithOneMore(newsletter.world.works, work._replace(store="another"))
    registry: Any = FailingPort(newsletter.world.registry, "head", lambda store: store == "another")
    broadcaster = replace(newsletter.broadcaster, works=works, registry=registry)
    with pytest.raises(ThrottledError, match="broadcasts: 1 could not be done"):
        broadcaster.advance()
    assert (
        len([r for r in newsletter.world.state.stream if r.event.name == "Schedule Reached"]) == 5
    )


class JobsWithOneMore:
    """The jobs of a store after one more job."""

    def __init__(self, works: Any, first: Any) -> None:
        self._works, self._first = works, first

    def open(self) -> list[Any]:
        return [self._first, *self._works.open()]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._works, name)


# --- permanent failures ---


@dataclass(slots=True)
class AlwaysDue:
    """Timers that are always due."""

    dues: list[Any]
    put_off_: list[Any]
    noted: int = 0

    def due(self, now: datetime) -> list[Any]:
        return self.dues

    def put_off(self, ref: MessageRef | EnrollmentRef | ContactRef, now: datetime) -> None:
        self.put_off_.append(ref)

    def done_before(self, now: datetime) -> None:
        self.noted += 1


def test_only_failed_timers_are_postponed_and_the_search_position_advances() -> None:
    world = waiting()
    refs = [enrollment.ref for person in PEOPLE for enrollment in world.enrollments_of(person)]
    timers: Any = AlwaysDue(refs, [])
    starter = replace(
        world.execution_starter, registry=FailingPort(world.registry, "head", lambda _: True)
    )
    starter = replace(starter, enrollments=FailingPort(world.enrollments, "load", is_stuck(world)))
    errors = ErrorCollector()
    done = run_due(timers, world.retrier, starter, world.reevaluator, MONDAY_NOON, errors)
    assert done.begun == 4
    assert [ref.contact for ref in timers.put_off_] == [world.contact(STUCK)]
    assert timers.noted == 1


def test_timers_beyond_the_limit_are_not_postponed_and_keep_the_search_position() -> None:
    world = waiting()
    refs = [enrollment.ref for person in PEOPLE for enrollment in world.enrollments_of(person)]
    timers: Any = AlwaysDue(refs, [])
    errors = ErrorCollector()
    done = run_due(
        timers,
        world.retrier,
        world.execution_starter,
        world.reevaluator,
        MONDAY_NOON,
        errors,
        most=3,
    )
    assert (done.begun, timers.put_off_, timers.noted) == (3, [], 0)


def test_failing_timers_count_toward_the_limit_per_run() -> None:
    world = waiting()
    refs = [enrollment.ref for person in PEOPLE for enrollment in world.enrollments_of(person)]
    timers: Any = AlwaysDue(refs, [])
    broken: Any = FailingPort(world.enrollments, "load", lambda *_: True)
    starter = replace(world.execution_starter, enrollments=broken)
    run_due(
        timers, world.retrier, starter, world.reevaluator, MONDAY_NOON, ErrorCollector(), most=3
    )
    assert (broken.failed, len(timers.put_off_), timers.noted) == (3, 3, 0)


def test_failures_in_one_workflow_do_not_block_another() -> None:
    world = World(most=2)
    first, second = wait("first", on="A"), wait("second", on="B")
    world.publish(shop(a=first, b=second))
    for person in PEOPLE:
        world.event("A", email=person)
    world.event("B", email=STUCK)
    world.run_for(days=39)
    paused = {"workflows/a.json": {**first, "status": "paused"}}
    world.publish({**paused, "workflows/b.json": {**second, "status": "paused"}})
    world.run_for(days=2)
    broken: Any = FailingPort(world.enrollments, "reschedule", lambda ref, *_: ref.workflow == "a")
    world.rollout = replace(world.rollout, enrollments=broken)
    world.publish({"workflows/a.json": first, "workflows/b.json": second})
    world.run_for(days=1, hours=2)
    assert broken.failed > 100
    assert mailed(world) == all_except_stuck([], ["second"])
