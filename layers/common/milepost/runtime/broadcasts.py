"""Broadcasts: a schedule sends an event to all contacts of a segment, one part a minute.

A broadcast is a job that stays open until all members have their event. The event's id and instant
depend only on the occurrence, so a repeated event changes nothing. A broadcast is as fast as the
rate of SES: more would only be throttled.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import times
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
    """The progress of an occurrence: the cursor, how many have their event, of how many."""

    after: str = ""
    told: int = 0
    total: int = 0

    @classmethod
    def read(cls, text: str) -> "BroadcastProgress | None":
        """Undo `text`; None for an occurrence that has not started."""
        return cls(*json.loads(text)) if text else None

    def text(self) -> str:
        return json.dumps(self)

    def further(self, sent: int, after: str) -> "BroadcastProgress":
        return BroadcastProgress(after, self.told + sent, self.total)


class BroadcastRun(NamedTuple):
    """One occurrence of a schedule."""

    store: str
    occasion: str
    segment: str
    at: datetime

    def event(self) -> Event:
        """The event for every contact of the segment, the same on every repetition."""
        mark = times.format_instant(self.at)
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
    """The file with the progress of a workflow's broadcast."""
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
        "planned": times.format_instant(planned),
        "state": how,
        "sent": progress.told,
        "of": total,
        "percent": round(100 * progress.told / total, 1) if total else 100.0,
        "at": times.format_instant(now),
        "next": times.format_instant(following) if following else None,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


GRACE_PERIOD = timedelta(minutes=10)
"""When a job of an unknown schedule is dropped: before, a function may know an older head."""

PAGE = 200


@dataclass(frozen=True, slots=True)
class Broadcaster:
    """Runs broadcasts, `most` events in one call. `now` and `grace` are in business time."""

    members: "Members"
    timeline: "Timeline"
    registry: "Published"
    works: "JobStore"
    files: "StoreFiles"
    now: Callable[[], datetime]
    most: int
    grace: timedelta = GRACE_PERIOD

    def advance(self) -> int:
        """Do the next part of every due broadcast; how many events."""
        due = [job for job in self.works.open() if job.kind == "broadcast" and job.at <= self.now()]
        sent, errors = 0, ErrorCollector()
        for number, job in enumerate(due):
            # Every broadcast gets a share; what one does not need is left for the next.
            with errors:
                sent += self._continue(job, max(1, (self.most - sent) // (len(due) - number)))
        errors.raise_if_any("broadcasts")
        return sent

    def _continue(self, job: "Job", most: int) -> int:
        head = self.registry.head(job.store)
        trigger = _trigger(head, job)
        late = self.now() - job.at
        if trigger is None:
            if late > self.grace:
                self.works.close(job)
            return 0
        progress = BroadcastProgress.read(job.done)
        if progress is None and late > MAX_EVENT_AGE:
            self._complete(job, trigger, head, BroadcastProgress(), "skipped: a day late")
            return 0
        if head.is_paused(job.workflow):
            return 0
        if progress is None:
            progress = BroadcastProgress(
                total=self.members.count(job.store, "segment", trigger["segment"])
            )
        return self._send_events(job, trigger, head, progress, most)

    def _send_events(
        self,
        job: "Job",
        trigger: Mapping[str, Any],
        head: "PublishedState",
        progress: BroadcastProgress,
        most: int,
    ) -> int:
        run = BroadcastRun(job.store, time_trigger_key(trigger), trigger["segment"], job.at)
        sent = 0
        while sent < most:
            page = self.members.page(
                job.store, "segment", run.segment, progress.after, min(PAGE, most - sent)
            )
            self._append(run, page.members)
            sent += len(page.members)
            progress = progress.further(len(page.members), page.next)
            if not page.next:
                self._complete(job, trigger, head, progress, "finished")
                return sent
            self.works.advance(job, progress.text())
        self._write(job, trigger, progress, "running", None)
        return sent

    def _append(self, run: BroadcastRun, members: Sequence["Member"]) -> None:
        with ThreadPoolExecutor(WRITERS) as writers:
            append = partial(_append_one, self.timeline, run)
            for _ in writers.map(append, members):
                pass

    def _complete(
        self,
        job: "Job",
        trigger: Mapping[str, Any],
        head: "PublishedState",
        progress: BroadcastProgress,
        how: str,
    ) -> None:
        """Complete an occurrence and wait for the next one, if there is one."""
        following = next_occurrence(
            trigger, max(job.at, self.now() - MAX_EVENT_AGE), zone_of(trigger, head)
        )
        self._write(job, trigger, progress, how, following)
        if following is None:
            self.works.close(job)
        else:
            self.works.reopen(job, following)

    def _write(
        self,
        job: "Job",
        trigger: Mapping[str, Any],
        progress: BroadcastProgress,
        how: str,
        following: datetime | None,
    ) -> None:
        text = as_report(job.workflow, trigger, job.at, progress, how, following, self.now())
        self.files.write(job.store, report_path(job.workflow), text)


def zone_of(trigger: Mapping[str, Any], head: "PublishedState") -> str:
    """The time zone of a schedule: its own, or the store's."""
    zone = trigger.get("timezone") or "store"
    return head.settings.timezone if zone == "store" else str(zone)


def _append_one(timeline: "Timeline", run: BroadcastRun, member: "Member") -> None:
    timeline.append(member.contact, run.event())


def _trigger(head: "PublishedState", job: "Job") -> Mapping[str, Any] | None:
    """The live schedule of a workflow, if there is one."""
    live = head.workflows.get(job.workflow)
    if live is None or live.status not in ("live", "paused"):
        return None
    return live.trigger if live.trigger.get("type") == "schedule" else None
