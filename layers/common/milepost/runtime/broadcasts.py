"""A broadcast: one round of a schedule through a segment, and how far it has come.

Broadcast: a schedule comes round, and everybody in its segment is told, one part a minute.

A broadcast is a work that stays open until its segment has been gone through. Telling somebody is
appending an event whose id and instant are the broadcast's own, so that whoever is told twice was
told once. Its pace is that of the post: faster would only be throttled there.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import instants
from milepost.base.error_collector import ErrorCollector
from milepost.base.recurrence import next_occurrence
from milepost.contacts.event import Event
from milepost.contacts.event_names import SCHEDULE
from milepost.contacts.timeline import WRITERS
from milepost.enrollments.entry import MAX_EVENT_AGE
from milepost.enrollments.trigger_types import time_trigger_key

if TYPE_CHECKING:
    from milepost.contacts.ports import Member, Members, Timeline
    from milepost.published.head import Published, PublishedState
    from milepost.runtime.jobs import Job, JobStore
    from milepost.stores.files import StoreFiles


class BroadcastProgress(NamedTuple):
    """How far a round has come: the place of the last who was told, how many, of how many."""

    after: str = ""
    told: int = 0
    total: int = 0

    @classmethod
    def read(cls, text: str) -> "BroadcastProgress | None":
        """Undo `text`; None for a round that has not begun."""
        return cls(*json.loads(text)) if text else None

    def text(self) -> str:
        return json.dumps(self)

    def further(self, told: int, after: str) -> "BroadcastProgress":
        return BroadcastProgress(after, self.told + told, self.total)


class BroadcastRun(NamedTuple):
    """One coming of a schedule."""

    store: str
    occasion: str
    segment: str
    at: datetime

    def event(self) -> Event:
        """What everybody in the segment is told; the same however often it is told."""
        mark = instants.format_instant(self.at)
        return Event(
            store=self.store,
            id="b" + sha256(f"{self.occasion}\n{mark}".encode()).hexdigest()[:31],
            name=SCHEDULE,
            occurred_at=self.at,
            source="clock",
            identifiers={},
            data={"time_trigger_key": self.occasion, "occurrence": mark, "segment": self.segment},
        )


def report_path(workflow: str) -> str:
    """Where it is told how far a workflow's broadcast has come."""
    return f"reports/workflows.{workflow}.broadcast.json"


def as_report(
    workflow: str,
    trigger: Mapping[str, Any],
    planned: datetime,
    progress: BroadcastProgress,
    how: str,
    following: datetime | None,
    now: datetime,
) -> str:
    total = max(progress.total, progress.told)
    document = {
        "workflow": workflow,
        "segment": trigger["segment"],
        "planned": instants.format_instant(planned),
        "state": how,
        "sent": progress.told,
        "of": total,
        "percent": round(100 * progress.told / total, 1) if total else 100.0,
        "at": instants.format_instant(now),
        "next": instants.format_instant(following) if following else None,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


GRACE_PERIOD = timedelta(minutes=10)
"""A schedule that nobody knows any more is given up then: a function may know an older head."""

PAGE = 200


@dataclass(frozen=True, slots=True)
class Broadcaster:
    """Tells segments. `now` is the time of the business, and `grace` is too; `most` are told in one
    call."""

    members: "Members"
    timeline: "Timeline"
    registry: "Published"
    works: "JobStore"
    files: "StoreFiles"
    now: Callable[[], datetime]
    most: int
    grace: timedelta = GRACE_PERIOD

    def advance(self) -> int:
        """Do the next part of every broadcast whose time has come; how many were told."""
        due = [w for w in self.works.open() if w.kind == "broadcast" and w.at <= self.now()]
        told, apart = 0, ErrorCollector()
        for number, work in enumerate(due):
            # What one does not need is the next one's; nobody's size keeps another's mail back.
            with apart:
                told += self._go_on(work, max(1, (self.most - told) // (len(due) - number)))
        apart.raise_if_any("broadcasts")
        return told

    def _go_on(self, work: "Job", most: int) -> int:
        head = self.registry.head(work.store)
        trigger = _trigger(head, work)
        late = self.now() - work.at
        if trigger is None:
            if late > self.grace:
                self.works.close(work)
            return 0
        progress = BroadcastProgress.read(work.done)
        if progress is None and late > MAX_EVENT_AGE:
            self._over(work, trigger, head, BroadcastProgress(), "skipped: a day late")
            return 0
        if head.is_paused(work.workflow):
            return 0
        if progress is None:
            progress = BroadcastProgress(
                total=self.members.count(work.store, "segment", trigger["segment"])
            )
        return self._tell(work, trigger, head, progress, most)

    def _tell(
        self,
        work: "Job",
        trigger: Mapping[str, Any],
        head: "PublishedState",
        progress: BroadcastProgress,
        most: int,
    ) -> int:
        round_ = BroadcastRun(work.store, time_trigger_key(trigger), trigger["segment"], work.at)
        told = 0
        while told < most:
            page = self.members.page(
                work.store, "segment", round_.segment, progress.after, min(PAGE, most - told)
            )
            self._append(round_, page.members)
            told += len(page.members)
            progress = progress.further(len(page.members), page.next)
            if not page.next:
                self._over(work, trigger, head, progress, "finished")
                return told
            self.works.advance(work, progress.text())
        self._write(work, trigger, progress, "running", None)
        return told

    def _append(self, round_: BroadcastRun, members: Sequence["Member"]) -> None:
        with ThreadPoolExecutor(WRITERS) as writers:
            tell = partial(_tell_one, self.timeline, round_)
            for _ in writers.map(tell, members):
                pass

    def _over(
        self,
        work: "Job",
        trigger: Mapping[str, Any],
        head: "PublishedState",
        progress: BroadcastProgress,
        how: str,
    ) -> None:
        """A round is over: the next one is waited for, if there is one."""
        following = next_occurrence(
            trigger, max(work.at, self.now() - MAX_EVENT_AGE), zone_of(trigger, head)
        )
        self._write(work, trigger, progress, how, following)
        if following is None:
            self.works.close(work)
        else:
            self.works.reopen(work, following)

    def _write(
        self,
        work: "Job",
        trigger: Mapping[str, Any],
        progress: BroadcastProgress,
        how: str,
        following: datetime | None,
    ) -> None:
        text = as_report(work.workflow, trigger, work.at, progress, how, following, self.now())
        self.files.write(work.store, report_path(work.workflow), text)


def zone_of(trigger: Mapping[str, Any], head: "PublishedState") -> str:
    """Whose clock a schedule goes by: that of the store, or one it names."""
    zone = trigger.get("timezone") or "store"
    return head.settings.timezone if zone == "store" else str(zone)


def _tell_one(timeline: "Timeline", round_: BroadcastRun, member: "Member") -> None:
    timeline.append(member.contact, round_.event())


def _trigger(head: "PublishedState", work: "Job") -> Mapping[str, Any] | None:
    """The schedule that is live, if there still is one."""
    live = head.workflows.get(work.workflow)
    if live is None or live.status not in ("live", "paused"):
        return None
    return live.trigger if live.trigger.get("type") == "schedule" else None
