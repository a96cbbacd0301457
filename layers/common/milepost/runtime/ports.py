"""Ports of the runtime: the progress of backfills, timers, and the retry of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from milepost.base.names import ContactRef, EnrollmentRef, MessageRef
    from milepost.sending.message import Category


class PartitionProgress(NamedTuple):
    """The progress of a partition of a backfill; the `cursor` is empty when it is `done`."""

    cursor: str = ""
    evaluated: int = 0
    changed: int = 0
    done: bool = False


class BackfillSummary(NamedTuple):
    """The last backfill for one publication."""

    run: str
    at: str
    parts: Mapping[str, PartitionProgress] = {}
    of: int = 0


class BackfillProgress(Protocol):
    """Stores the progress of backfills."""

    def begin(self, store: str, run: str, what: Sequence[str], of: int, at: datetime) -> None:
        """Store the start of a backfill in `of` partitions for the publications `what`."""

    def part(self, store: str, run: str, part: str) -> PartitionProgress: ...

    def note(self, store: str, run: str, part: str, progress: PartitionProgress) -> None: ...

    def looked(self, store: str, what: str) -> BackfillSummary | None:
        """The last backfill for a publication; None if there was none."""


class BackfillStarter(Protocol):
    """Starts backfills."""

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        """Start a backfill; no effect if it was started before."""


class OverdueMessage(NamedTuple):
    """A message without a delivery report in time."""

    message: MessageRef
    enrollment: EnrollmentRef
    step: str
    block_seq: int
    category: Category
    attempts: int


class Timers(Protocol):
    """The timers that are due."""

    def due(self, now: datetime) -> Iterator[OverdueMessage | EnrollmentRef | ContactRef]:
        """Overdue messages, enrollments (of version 0: unknown) whose next execution is due, and
        contacts whose next check is due."""

    def paused(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        """The enrollments (of version 0) that wait for their paused workflow, each with its
        cursor, after a cursor."""

    def done_before(self, now: datetime) -> None:
        """Record that everything due at this instant is done."""

    def put_off(self, ref: MessageRef | EnrollmentRef | ContactRef, now: datetime) -> None:
        """Postpone a failing timer by 15 minutes if it has been due for an hour. Otherwise the
        range that every run searches would grow without end."""

    def give_up(self, ref: MessageRef, at: datetime) -> bool:
        """Abandon a message as unknown, or as failed if throttled; False if it is settled."""


class MessageRetrier(Protocol):
    """Sends a message once more, in the function that may send."""

    def retry_message(self, enrollment: EnrollmentRef, step: str, block_seq: int) -> bool:
        """True if it was tried or may not be sent; False if it must wait for the end of a pause."""
