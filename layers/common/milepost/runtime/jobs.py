"""What is to be done for everybody inside a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Job(NamedTuple):
    """A job for every active enrollment of a workflow, queued `at` an instant.

    A `broadcast` is for every member of its schedule's segment, and starts `at` an instant. A
    `backfill` is for all contacts, because of what `workflow` names: `segment/vip`,
    `workflow/birthday`, `scoring`.
    """

    kind: Literal["resume", "cancel", "migrate", "broadcast", "backfill"]
    store: str
    workflow: str
    at: datetime
    version: int = 0
    done: str = ""


class JobStore(Protocol):
    """Keeps what has been set going until it is done."""

    def open(self) -> list[Job]: ...

    def advance(self, work: Job, done: str) -> None:
        """Note how far a work has come, unless it has been set going anew."""

    def reopen(self, work: Job, at: datetime) -> None:
        """A work is done, and the same is to be done anew from an instant, unless it has been set
        going anew."""

    def close(self, work: Job) -> None:
        """A work is done, unless it has been set going anew."""


class CountJob(NamedTuple):
    """A workflow that moved and is to be counted at `due`; `done` is how far its count has come."""

    due: datetime
    store: str
    workflow: str
    done: str = ""


class CountJobs(Protocol):
    """Keeps which workflows are to be counted. They are many, and all wait for the night: so they
    lie apart from the works that are looked through every minute."""

    def mark_moved(self, store: str, workflow: str, due: datetime) -> None:
        """Have a workflow counted, once however often this is said. What is known to be kept costs
        nothing more. Raises ThrottledError."""

    def due(self, now: datetime) -> list[CountJob]:
        """The jobs that are due, the oldest first; no more of them than can matter in a minute."""

    def advance(self, job: CountJob, done: str) -> bool:
        """Note how far a count has come; False if somebody else has gone on with it meanwhile."""

    def put_off(self, job: CountJob, due: datetime) -> None:
        """Have a job wait until then, as far as it has come."""

    def close(self, job: CountJob, started_at: datetime) -> None:
        """A count is over that began then; harmless if it is repeated."""

    def last_started(self, store: str, workflow: str) -> datetime | None:
        """When the last count that came to its end began; None if there was none."""
