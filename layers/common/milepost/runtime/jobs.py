"""Background jobs that a publish has queued, and the jobs of the nightly count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Job(NamedTuple):
    """A job for all active enrollments of a workflow, queued `at` an instant.

    A `broadcast` is for all members of its segment and starts `at`. A `backfill` is for all
    contacts; its `workflow` names what was published: `segment/vip`, `workflow/birthday`,
    `scoring`.
    """

    kind: Literal["resume", "cancel", "migrate", "broadcast", "backfill"]
    store: str
    workflow: str
    at: datetime
    version: int = 0
    done: str = ""


class JobStore(Protocol):
    """Stores jobs until they are done. No method changes a job that was queued again meanwhile."""

    def open(self) -> list[Job]: ...

    def advance(self, job: Job, done: str) -> None:
        """Save the progress of a job."""

    def reopen(self, job: Job, at: datetime) -> None:
        """Complete a job and queue it again for an instant."""

    def close(self, job: Job) -> None:
        """Complete a job."""


class CountJob(NamedTuple):
    """The count of a workflow that ran, due at `due`; `done` is its progress."""

    due: datetime
    store: str
    workflow: str
    done: str = ""


class CountJobs(Protocol):
    """Stores which workflows to count. They are many and wait for the night, so they are separate
    from the jobs that are read every minute."""

    def mark_moved(self, store: str, workflow: str, due: datetime) -> None:
        """Queue the count of a workflow; repetitions change nothing and cost nothing.

        Raises ThrottledError."""

    def due(self, now: datetime) -> list[CountJob]:
        """The due jobs, the oldest first, limited to what one run can do."""

    def advance(self, job: CountJob, done: str) -> bool:
        """Save the progress of a count; False if another run has saved more meanwhile."""

    def put_off(self, job: CountJob, due: datetime) -> None:
        """Postpone a job and keep its progress."""

    def close(self, job: CountJob, started_at: datetime) -> None:
        """Complete a count that started at `started_at`; no effect if repeated."""

    def last_started(self, store: str, workflow: str) -> datetime | None:
        """The start of the last complete count; None if there was none."""
