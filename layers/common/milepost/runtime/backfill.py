"""Backfill: after a publish, re-evaluate every contact, including inactive ones.

Publishing queues a job. When every function knows the publication, the scheduler starts a state
machine that evaluates all contacts in partitions and resumes an interrupted partition. A backfill
only reads, except for contacts whose state differs: they get an event, which `react` applies. So a
backfill may be late or run twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import times
from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from milepost.contacts.event import Event
from milepost.runtime.ports import PartitionProgress
from milepost.segments.evaluator import SegmentEvaluator, next_check_at
from milepost.segments.membership import STAGE_SEGMENT_PREFIX, reevaluation_event

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Group, Member, Memberships, Timeline
    from milepost.published.head import Published, PublishedState
    from milepost.runtime.jobs import Job, JobStore
    from milepost.runtime.ports import BackfillProgress, BackfillStarter


PUBLISH_CACHE_TIME = timedelta(minutes=1)
"""Twice the cache time of published state, in real time: every function knows it by then."""

MAX_PER_RUN = 1000
"""Contacts in one call, at about 10 ms each, eight at a time."""

MAX_PASSES = 5
"""How often failed partitions are retried before an alarm."""

READ_CONCURRENCY = 8

BackfillRequest = Mapping[str, Any]
"""The input of the state machine: the store, the run, its instant, and what was published."""


class BackfillPartition(NamedTuple):
    """A partition of the contacts of a backfill."""

    group: "Group"
    name: str
    part: int

    @property
    def key(self) -> str:
        return f"{self.group}#{self.name}#{self.part}"


@dataclass(frozen=True, slots=True)
class BackfillScheduler:
    """Starts backfills. `now` and `memory` are in business time."""

    works: "JobStore"
    registry: "Published"
    members: "Memberships"
    progress: "BackfillProgress"
    starter: "BackfillStarter"
    now: Callable[[], datetime]
    memory: timedelta = PUBLISH_CACHE_TIME

    def begin(self, errors: ErrorCollector) -> int:
        """Start one backfill for each store with publications that every function knows by now;
        how many."""
        ready: dict[str, list[Job]] = {}
        for job in self.works.open():
            if job.kind == "backfill" and self.now() - job.at >= self.memory:
                ready.setdefault(job.store, []).append(job)
        for store, jobs in sorted(ready.items()):
            with errors:
                self._begin(store, jobs)
        return len(ready)

    def _begin(self, store: str, jobs: Sequence["Job"]) -> None:
        what = sorted(job.workflow for job in jobs)
        newest = max(job.at for job in jobs)
        # A job that waited long must not move the instant to before the other publications.
        at = times.format_instant(min(job.at for job in jobs if newest - job.at <= self.memory))
        run = sha256("\n".join([store, at, *what]).encode()).hexdigest()[:40]
        partitions = [*self._partitions(self.registry.head(store), what)]
        self.progress.begin(store, run, what, len(partitions), times.parse_instant(at))
        request = {"store": store, "run": run, "at": at, "what": what}
        items = [each._asdict() for each in partitions]
        self.starter.look(run, {"request": request, "items": items, "round": 0})
        for job in jobs:
            self.works.close(job)

    def _partitions(
        self, head: "PublishedState", what: Iterable[str]
    ) -> Iterable[BackfillPartition]:
        """All contacts in partitions, or only the members of segments that were removed."""
        segments = [name.removeprefix("segment/") for name in what if name.startswith("segment/")]
        gone = [n for n in segments if n in head.segments and n not in head.segments.live()]
        if [*what] != [f"segment/{name}" for name in gone]:
            return [
                BackfillPartition("all", "", part) for part in range(self.members.partition_count())
            ]
        return [
            BackfillPartition("segment", name, part)
            for name in gone
            for part in range(self.members.partition_count())
        ]


@dataclass(frozen=True, slots=True)
class BackfillWorker:
    """Runs a backfill, partition by partition."""

    contacts: "Contacts"
    timeline: "Timeline"
    registry: "Published"
    members: "Memberships"
    segmenter: SegmentEvaluator
    progress: "BackfillProgress"
    now: Callable[[], datetime]
    most: int = MAX_PER_RUN

    def part(self, request: BackfillRequest, partition: BackfillPartition) -> bool:
        """Continue with a partition for a while; True when it is complete."""
        store, run = request["store"], request["run"]
        progress = self.progress.part(store, run, partition.key)
        if progress.done:
            return True
        page = self.members.page_of(
            store, partition.group, partition.name, partition.part, progress.cursor, self.most
        )
        head = self.registry.head(store)
        with ThreadPoolExecutor(READ_CONCURRENCY) as pool:
            changed = sum(pool.map(lambda m: self._evaluate(m, request, head), page.members))
        evaluated, changed = progress.evaluated + len(page.members), progress.changed + changed
        done = not page.next
        self.progress.note(
            store, run, partition.key, PartitionProgress(page.next, evaluated, changed, done)
        )
        return done

    def remaining(
        self, request: BackfillRequest, partitions: Iterable[BackfillPartition]
    ) -> list[BackfillPartition]:
        """The partitions that are not complete."""
        return [
            each
            for each in partitions
            if not self.progress.part(request["store"], request["run"], each.key).done
        ]

    def _evaluate(self, member: "Member", request: BackfillRequest, head: "PublishedState") -> bool:
        """Evaluate one contact; True if `react` must re-evaluate it."""
        names, run = segments_to_backfill(request["what"], head), request["run"]
        at = times.parse_instant(request["at"])
        event = reevaluation_event(request["store"], at, names, because=run, initial=True)
        try:
            if not self._differs(member, names, event, head):
                return False
        except ThrottledError:
            raise
        except Exception:  # `react` quarantines this contact; it must not block the others
            pass
        self.timeline.append(member.contact, event)
        return True

    def _differs(
        self, member: "Member", names: Sequence[str], event: Event, head: "PublishedState"
    ) -> bool:
        before = self.contacts.profile(event.store, member.contact)
        if before is None or not before.last_sequence:
            return False
        after = self.segmenter.evaluate_for_backfill(before, names, event, head, self.now())
        old, new = before.segment_state, after.segment_state
        if (
            old.segments.keys() != new.segments.keys()
            or old.next_changes != new.next_changes
            or new.crossings
        ):
            return True
        return next_check_at(after, head, self.now(), event) != before.next_check


def segments_to_backfill(what: Iterable[str], head: "PublishedState") -> list[str]:
    """The segments that a publication requires to evaluate again."""
    found: set[str] = set()
    for published in what:
        if published == "scoring":
            found.update(name for name in head.segments if name.startswith(STAGE_SEGMENT_PREFIX))
            found.update(head.segments.fields.get("score", ()))
            found.update(head.segments.fields.get("stage", ()))
        elif published.startswith("segment/"):
            found.add(published.removeprefix("segment/"))
    return sorted(name for name in found if name in head.segments)
