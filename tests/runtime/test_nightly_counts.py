"""The nightly count: queued before a block runs, resumed after any crash."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest

from milepost.base.dates import next_night
from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.runtime.jobs import CountJob, CountJobs
from milepost.runtime.nightly_counts import PUT_OFF, NightlyCounts
from milepost.sending.counts import WorkflowCounts
from milepost.sending.run_counter import RunCounter
from milepost.simulator.memory.published import MemoryPublished
from tests.fakes.counts import MemoryCountJobs, MemoryRuns
from tests.support.builders import MONDAY_NOON, STORE, delay, send, shop, workflow
from tests.support.faults import Faults, Killed
from tests.support.ports import Ports
from tests.support.world import World

NIGHT = next_night(MONDAY_NOON)
LATER = NIGHT + timedelta(minutes=1)
READERS = 9
VISIT = workflow(
    send("hello"), delay("1 hour"), send("more"), on="Visited", category="transactional"
)
OTHER = workflow(send("other"), on="Bought", category="transactional")


@pytest.fixture(scope="module")
def told() -> World:
    """A shop in which two workflows have run."""
    world = World()
    world.publish(shop(visit=VISIT, other=OTHER))
    for number in range(READERS):
        world.event("Visited", email=f"reader-{number}@mail.example")
    world.event("Bought")
    world.run_for(hours=2)
    return world


@dataclass
class Night:
    """The scheduler at night; a page of three entries takes a second."""

    world: World
    faults: Faults = field(default_factory=Faults)
    kept: CountJobs = field(default_factory=MemoryCountJobs)
    told: list[tuple[str, WorkflowCounts]] = field(default_factory=list)
    now: datetime = LATER
    watch: float = 0.0

    def __post_init__(self) -> None:
        self.jobs = self.faults.around(self.kept, "jobs")
        self.runs = self.faults.around(MemoryRuns(self.world.state), "runs")
        counter = RunCounter(self.runs, MemoryPublished(self.world.shelf), 3)
        self.counts = NightlyCounts(self.jobs, counter, lambda: self.now, self.seconds)

    def seconds(self) -> float:
        self.watch += 1
        return self.watch

    def tell(self, store: str, workflow: str, numbers: WorkflowCounts) -> None:
        assert store == STORE
        self.faults.call("tell", lambda: self.told.append((workflow, numbers)))

    def mark(self, *workflows: str) -> "Night":
        for name in workflows:
            self.kept.mark_moved(STORE, name, NIGHT)
        return self

    def minute(self, seconds: float = 1000) -> ErrorCollector:
        apart = ErrorCollector()
        with self.faults.within("trigger_date", lambda: None):
            self.counts.go_on(apart, self.watch + seconds, self.tell)
        return apart

    def decided(self, workflow: str) -> list[int]:
        """The results of the counts of a workflow."""
        return [
            sum(held.decided for held in numbers.steps.values())
            for name, numbers in self.told
            if name == workflow
        ]


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-11-02T00:00", "2026-11-02T03:15"),
        ("2026-11-02T02:59", "2026-11-02T03:15"),
        ("2026-11-02T03:00", "2026-11-03T03:15"),
        ("2026-11-02T03:14", "2026-11-03T03:15"),
        ("2026-11-02T23:59", "2026-11-03T03:15"),
    ],
)
def test_block_run_after_3_am_is_counted_the_next_night(now: str, night: str) -> None:
    def read(text: str) -> datetime:
        return datetime.fromisoformat(f"{text}+00:00")

    assert next_night(read(now)) == read(night)


# --- what the jobs promise, in both stores ---


def test_workflow_is_queued_once_and_due_after_its_time(ports: Ports) -> None:
    jobs = ports.count_jobs
    for _ in range(3):
        jobs.mark_moved(STORE, "visit", NIGHT)
    jobs.mark_moved(STORE, "other", NIGHT + timedelta(days=1))
    assert jobs.due(NIGHT) == []
    assert jobs.due(LATER) == [CountJob(NIGHT, STORE, "visit")]


def test_queuing_again_keeps_finished_counts(ports: Ports) -> None:
    jobs = ports.count_jobs
    jobs.mark_moved(STORE, "visit", NIGHT)
    assert jobs.advance(jobs.due(LATER)[0], "half")
    for _ in range(2):  # the second day makes the store forget that it knows the first
        jobs.mark_moved(STORE, "visit", NIGHT + timedelta(days=1))
        jobs.mark_moved(STORE, "visit", NIGHT)
    assert jobs.due(LATER) == [CountJob(NIGHT, STORE, "visit", "half")]


def test_second_concurrent_progress_write_fails(ports: Ports) -> None:
    jobs = ports.count_jobs
    jobs.mark_moved(STORE, "visit", NIGHT)
    (job,) = jobs.due(LATER)
    assert jobs.advance(job, "one")
    assert not jobs.advance(job, "other")
    jobs.close(job, LATER)  # it does not take away what the other one does
    assert jobs.due(LATER) == [job._replace(done="one")]
    jobs.close(job._replace(done="one"), LATER)
    assert not jobs.advance(job._replace(done="one"), "two")


def test_postponed_job_keeps_its_progress(ports: Ports) -> None:
    jobs = ports.count_jobs
    jobs.mark_moved(STORE, "visit", NIGHT)
    jobs.advance(jobs.due(LATER)[0], "half")
    jobs.put_off(jobs.due(LATER)[0], LATER + PUT_OFF)
    assert jobs.due(LATER) == []
    assert jobs.due(LATER + 2 * PUT_OFF) == [CountJob(LATER + PUT_OFF, STORE, "visit", "half")]


def test_start_of_a_count_is_known_after_its_end(ports: Ports) -> None:
    jobs = ports.count_jobs
    assert jobs.last_started(STORE, "visit") is None
    jobs.mark_moved(STORE, "visit", NIGHT)
    (job,) = jobs.due(LATER)
    for _ in range(2):
        jobs.close(job, LATER)
    assert (jobs.due(LATER), jobs.last_started(STORE, "visit")) == ([], LATER)


# --- the count ---


def test_every_active_workflow_is_counted_once(told: World) -> None:
    night = Night(told).mark("visit", "other")
    for _ in range(3):
        night.minute().raise_if_any("counts")
    assert (night.decided("visit"), night.decided("other")) == ([2 * READERS], [1])
    assert night.kept.due(LATER) == []


def test_run_stops_at_its_time_limit_and_the_next_continues(told: World) -> None:
    night = Night(told).mark("visit")
    calls = 0
    while not night.told:
        pages = night.watch
        night.minute(2).raise_if_any("counts")
        calls += 1
        assert night.watch - pages <= 2
    assert calls > 2
    assert night.decided("visit") == [2 * READERS]


def test_run_without_time_left_counts_one_page(told: World) -> None:
    night = Night(told).mark("other", "visit")
    night.minute(-5).raise_if_any("counts")
    assert [bool(job.done) for job in night.kept.due(LATER)] == [True, False]


def test_large_workflow_does_not_delay_a_small_one(told: World) -> None:
    night = Night(told).mark("visit", "other")
    while not night.told:
        night.minute(2).raise_if_any("counts")
    assert night.decided("other") == [1]
    assert night.decided("visit") == []


def test_failing_count_is_postponed_and_others_are_counted(told: World) -> None:
    class Broken(MemoryRuns):
        """Fails for one of the workflows."""

        def page(self, store: str, workflow: str, after: str, most: int):  # type: ignore[no-untyped-def]
            if workflow == "other":
                raise ValueError("unreadable")
            return super().page(store, workflow, after, most)

    night = Night(told).mark("other", "visit")
    whole = night.counts.counter
    broken = RunCounter(Broken(told.state), whole.registry, whole.most)
    night.counts = NightlyCounts(night.jobs, broken, lambda: night.now, night.seconds)
    with pytest.raises(ThrottledError, match=r"1 could not be done.*ValueError"):
        night.minute().raise_if_any("counts")
    assert night.decided("visit") == [2 * READERS]
    night.minute().raise_if_any("counts")  # it rests
    night.counts = NightlyCounts(night.jobs, whole, lambda: night.now, night.seconds)
    night.now += 2 * PUT_OFF
    night.minute().raise_if_any("counts")
    assert night.decided("other") == [1]


def test_count_is_the_same_wherever_it_is_killed(told: World) -> None:
    undisturbed = Night(told).mark("visit", "other")
    undisturbed.minute()
    places = undisturbed.faults.kills("trigger_date")
    assert {place for _, place in places} >= {
        "after jobs.advance",
        "after tell",
        "after jobs.close",
    }
    for kill, place in places:
        night = Night(told, Faults(kill)).mark("visit", "other")
        assert _killed(night.minute), place
        night.minute().raise_if_any("counts")
        assert night.kept.due(LATER) == [], place
        # Numbers are told before they are known to be: a second time is all that may happen.
        assert set(night.decided("visit")) == {2 * READERS}, place
        assert set(night.decided("other")) == {1}, place
        assert len(night.told) == 2 + (place == "after tell"), place


def _killed(minute: Callable[[], object]) -> bool:
    try:
        minute()
    except Killed:
        return True
    return False


@pytest.mark.parametrize("phase", ["before", "after"])
def test_overlapping_runs_count_nothing_twice(told: World, phase: str) -> None:
    undisturbed = Night(told).mark("visit")
    undisturbed.minute()
    for kill, place in undisturbed.faults.kills("trigger_date"):
        night = Night(told, faults := Faults()).mark("visit")
        overlap = partial(night.counts.go_on, ErrorCollector(), 1000, night.tell)
        faults.meanwhile(kill, overlap)
        night.minute().raise_if_any("counts")
        night.minute().raise_if_any("counts")
        assert set(night.decided("visit")) == {2 * READERS}, place


def test_comparison_starts_an_hour_before_the_last_count(told: World) -> None:
    night = Night(told).mark("visit")
    night.minute()
    asked: list[datetime | None] = []

    class Asked(RunCounter):
        def count_page(self, store, workflow, after, tally, since=None, on_missing=None):  # type: ignore[no-untyped-def]
            asked.append(since)
            return super().count_page(store, workflow, after, tally, since)

    own = night.counts.counter
    counter = Asked(own.runs, own.registry)
    night.counts = NightlyCounts(night.jobs, counter, lambda: night.now, night.seconds)
    night.now += timedelta(days=1)
    night.kept.mark_moved(STORE, "visit", NIGHT + timedelta(days=1))
    night.minute().raise_if_any("counts")
    assert set(asked) == {LATER - timedelta(hours=1)}


# --- who marks ---


def test_block_run_queues_the_count_before_its_first_decision(told: World) -> None:
    faults = Faults()
    world = World(published=told, faults=faults)
    seen: list[int] = []
    faults.meanwhile("before ledger.claim", lambda: seen.append(len(world.count_jobs.jobs)))
    world.event("Visited")
    world.run_for(minutes=1)
    assert seen == [1]
    world.run_until(LATER + timedelta(minutes=1))
    assert [(at, workflow) for at, workflow, _ in world.counted] == [(LATER, "visit")]
    (numbers,) = (numbers for _, _, numbers in world.counted)
    assert numbers.steps["more"].sent == 1
    world.run_for(days=9)
    assert len(world.counted) == 1


def test_failed_queuing_of_a_count_does_not_stop_the_email(told: World) -> None:
    world = World(published=told)

    def busy(*_: object) -> None:
        raise ThrottledError("DynamoDB: ThrottlingException")

    world.runner = _with_mark(world, busy)
    world.event("Visited")
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["hello"]


def _with_mark(world: World, mark: Callable[..., None]):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(world.runner, mark_moved=mark)
