"""The nightly count: every workflow that moved is counted once, page by page, minute by minute.

A function that runs a block marks its workflow first, for the coming night. The scheduler counts
what is marked, keeps with the job how far it has come, and tells the numbers at the end.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from milepost.base import instants
from milepost.base.error_collector import ErrorCollector
from milepost.sending.counts import Tally, WorkflowCounts
from milepost.sending.run_counter import RunCounter

if TYPE_CHECKING:
    from milepost.runtime.jobs import CountJob, CountJobs


SECONDS = 30.0
"""How long a call counts, of the 120 seconds that its function has for everything."""

PUT_OFF = timedelta(minutes=15)
"""A count that failed rests for so long, and holds up no other meanwhile."""

MARGIN = timedelta(hours=1)
"""What ended so shortly before the last count is compared once more: clocks differ, and the index
follows the table."""

Tell = Callable[[str, str, WorkflowCounts], None]
"""Is told what a store's workflow came to."""


class CountProgress(NamedTuple):
    """How far a count has come: when it started, since when changes are compared, and its place."""

    started_at: datetime
    since: datetime | None
    tally: Tally
    after: str = ""
    over: bool = False

    @classmethod
    def read(cls, text: str) -> "CountProgress":
        """Undo `text`."""
        held = json.loads(text)
        since = instants.parse_instant(held["since"]) if held["since"] else None
        tally = Tally.from_json(held["tally"])
        return cls(
            instants.parse_instant(held["started_at"]), since, tally, held["after"], held["over"]
        )

    def text(self) -> str:
        return json.dumps(
            {
                "started_at": instants.format_instant(self.started_at),
                "since": instants.format_instant(self.since) if self.since else "",
                "tally": self.tally.to_json(),
                "after": self.after,
                "over": self.over,
            },
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True)
class NightlyCounts:
    """Counts workflows that moved. `now` is the time of the business, `seconds` that of a watch."""

    jobs: "CountJobs"
    counter: RunCounter
    now: Callable[[], datetime]
    seconds: Callable[[], float]

    def go_on(self, apart: ErrorCollector, until: float, tell: Tell) -> None:
        """Count until the watch shows this, one page at least.

        All that are due get a page in turn, so that a large one holds up no small one.
        """
        jobs = deque(self.jobs.due(self.now()))
        while jobs:
            job, failed, further = jobs.popleft(), True, None
            with apart:
                further = self._go_on(job, tell)
                failed = False
            if failed:
                with apart:
                    self.jobs.put_off(job, self.now() + PUT_OFF)
            elif further is not None:
                jobs.append(further)
            if self.seconds() >= until:
                return

    def _go_on(self, job: "CountJob", tell: Tell) -> "CountJob | None":
        """Count a page; the job as it is then, None if there is nothing more to do."""
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
