"""Looks: what is published is a question to all contacts, also to those of whom nothing is heard.

Publishing sets a work going. When every function knows what was published, the clock has all
contacts looked at, in parts, by a state machine that goes on where a part was cut off. A look only
reads, but for those contacts for whom something is different: they get an event, and `react` does
the rest. So it may be done twice, and may be late.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import instants
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
"""Twice the memory of any registry, in real time: everybody knows what was published then."""

MAX_PER_RUN = 1000
"""Contacts in one call, at some 10 ms each, eight at a time."""

MAX_PASSES = 5
"""How often parts that failed are begun again; after that somebody has to be told."""

READ_CONCURRENCY = 8

BackfillRequest = Mapping[str, Any]
"""What the state machine hands around: the store, the run, its instant, and what was published."""


class BackfillPartition(NamedTuple):
    """A part of those whom a look is at."""

    group: "Group"
    name: str
    part: int

    @property
    def key(self) -> str:
        return f"{self.group}#{self.name}#{self.part}"


@dataclass(frozen=True, slots=True)
class BackfillScheduler:
    """Sets looks going. `now` is the time of the business, `memory` a time of it too."""

    works: "JobStore"
    registry: "Published"
    members: "Memberships"
    progress: "BackfillProgress"
    starter: "BackfillStarter"
    now: Callable[[], datetime]
    memory: timedelta = PUBLISH_CACHE_TIME

    def begin(self, apart: ErrorCollector) -> int:
        """Begin one look for all that was published in a store and is known by now; how many."""
        ripe: dict[str, list[Job]] = {}
        for work in self.works.open():
            if work.kind == "look" and self.now() - work.at >= self.memory:
                ripe.setdefault(work.store, []).append(work)
        for store, works in sorted(ripe.items()):
            with apart:
                self._begin(store, works)
        return len(ripe)

    def _begin(self, store: str, works: Sequence["Job"]) -> None:
        what = sorted(work.workflow for work in works)
        newest = max(work.at for work in works)
        # What had to wait long does not bring back what came before the others were published.
        at = instants.format_instant(
            min(work.at for work in works if newest - work.at <= self.memory)
        )
        run = sha256("\n".join([store, at, *what]).encode()).hexdigest()[:40]
        slices = [*self._slices(self.registry.head(store), what)]
        self.progress.begin(store, run, what, len(slices), instants.parse_instant(at))
        order = {"store": store, "run": run, "at": at, "what": what}
        items = [each._asdict() for each in slices]
        self.starter.look(run, {"order": order, "items": items, "round": 0})
        for work in works:
            self.works.close(work)

    def _slices(self, head: "PublishedState", what: Iterable[str]) -> Iterable[BackfillPartition]:
        """All contacts in parts, or the members alone of a segment that is no more."""
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
    """Does a look, part by part."""

    contacts: "Contacts"
    timeline: "Timeline"
    registry: "Published"
    members: "Memberships"
    segmenter: SegmentEvaluator
    progress: "BackfillProgress"
    now: Callable[[], datetime]
    most: int = MAX_PER_RUN

    def part(self, order: BackfillRequest, place: BackfillPartition) -> bool:
        """Go on with a part for a while; whether it has come to its end."""
        store, run = order["store"], order["run"]
        held = self.progress.part(store, run, place.key)
        if held.done:
            return True
        page = self.members.page_of(
            store, place.group, place.name, place.part, held.place, self.most
        )
        head = self.registry.head(store)
        with ThreadPoolExecutor(READ_CONCURRENCY) as readers:
            changed = sum(readers.map(lambda m: self._look(m, order, head), page.members))
        looked, changed = held.looked + len(page.members), held.changed + changed
        done = not page.next
        self.progress.note(
            store, run, place.key, PartitionProgress(page.next, looked, changed, done)
        )
        return done

    def remaining(
        self, order: BackfillRequest, slices: Iterable[BackfillPartition]
    ) -> list[BackfillPartition]:
        """The parts that have not come to their end."""
        return [
            each
            for each in slices
            if not self.progress.part(order["store"], order["run"], each.key).done
        ]

    def _look(self, member: "Member", order: BackfillRequest, head: "PublishedState") -> bool:
        """Look at one contact; whether it has to be looked at by `react`."""
        names = segments_to_backfill(order["what"], head)
        at = instants.parse_instant(order["at"])
        event = reevaluation_event(order["store"], at, names, because=order["run"], initial=True)
        try:
            if not self._differs(member, names, event, head):
                return False
        except ThrottledError:
            raise
        except Exception:  # one contact holds nobody up: `react` puts it aside, with the reason
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
    """The segments that have to be answered anew because of what was published."""
    found: set[str] = set()
    for thing in what:
        if thing == "scoring":
            found.update(name for name in head.segments if name.startswith(STAGE_SEGMENT_PREFIX))
            found.update(head.segments.fields.get("score", ()))
            found.update(head.segments.fields.get("stage", ()))
        elif thing.startswith("segment/"):
            found.add(thing.removeprefix("segment/"))
    return sorted(name for name in found if name in head.segments)
