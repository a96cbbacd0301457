"""The nightly count: every workflow that ran is counted once, page by page.

Every block run first queues a job for its workflow. The scheduler does these jobs at night, saves
their progress, and reports the counts at the end.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from milepost.base import times
from milepost.base.error_collector import ErrorCollector
from milepost.sending.counts import Tally, WorkflowCounts
from milepost.sending.run_counter import RunCounter

if TYPE_CHECKING:
    from milepost.runtime.jobs import CountJob, CountJobs


SECONDS = 30.0
"""How long one call counts, of the 120 seconds that its function has."""

PUT_OFF = timedelta(minutes=15)
"""How long a failed count is postponed, so that it does not block the others."""

MARGIN = timedelta(hours=1)
"""Enrollments that ended this shortly before the last count are compared again: clocks differ, and
the index is behind the table."""

Tell = Callable[[str, str, WorkflowCounts], None]
"""Receives the counts of a store's workflow."""


class CountProgress(NamedTuple):
    """The progress of a count: its start, since when changes are compared, and its cursor."""

    started_at: datetime
    since: datetime | None
    tally: Tally
    after: str = ""
    over: bool = False

    @classmethod
    def read(cls, text: str) -> "CountProgress":
        """Undo `text`."""
        saved = json.loads(text)
        since = times.parse_instant(saved["since"]) if saved["since"] else None
        started_at, tally = times.parse_instant(saved["started_at"]), saved["tally"]
        return cls(started_at, since, Tally.from_json(tally), saved["after"], saved["over"])

    def text(self) -> str:
        return json.dumps(
            {
                "started_at": times.format_instant(self.started_at),
                "since": times.format_instant(self.since) if self.since else "",
                "tally": self.tally.to_json(),
                "after": self.after,
                "over": self.over,
            },
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True)
class NightlyCounts:
    """Counts workflows that ran. `now` is in business time, `seconds` is a stopwatch."""

    jobs: "CountJobs"
    counter: RunCounter
    now: Callable[[], datetime]
    seconds: Callable[[], float]

    def go_on(self, errors: ErrorCollector, until: float, tell: Tell) -> None:
        """Count until the stopwatch shows `until`, at least one page.

        The due jobs take turns page by page, so that a large one does not block a small one.
        """
        jobs = deque(self.jobs.due(self.now()))
        while jobs:
            job, failed, rest = jobs.popleft(), True, None
            with errors:
                rest = self._count_page(job, tell)
                failed = False
            if failed:
                with errors:
                    self.jobs.put_off(job, self.now() + PUT_OFF)
            elif rest is not None:
                jobs.append(rest)
            if self.seconds() >= until:
                return

    def _count_page(self, job: "CountJob", tell: Tell) -> "CountJob | None":
        """Count a page; the job with its new progress, None if it is complete."""
        progress = CountProgress.read(job.done) if job.done else self._begin(job)
        if progress.over:
            tell(job.store, job.workflow, progress.tally.numbers())
            self.jobs.close(job, progress.started_at)
            return None
        after = self.counter.count_page(
            job.store, job.workflow, progress.after, progress.tally, progress.since
        )
        done = progress._replace(after=after, over=not after).text()
        return job._replace(done=done) if self.jobs.advance(job, done) else None

    def _begin(self, job: "CountJob") -> CountProgress:
        last = self.jobs.last_started(job.store, job.workflow)
        return CountProgress(self.now(), last - MARGIN if last else None, Tally())
