"""How far the looks at all contacts are.

What is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from milepost.base.refs import ContactRef, EnrollmentRef, MessageRef
    from milepost.sending.message import Category


class PartitionProgress(NamedTuple):
    """A part of a look at all contacts: where it is (empty when it is `done`), and what it did."""

    place: str = ""
    looked: int = 0
    changed: int = 0
    done: bool = False


class BackfillSummary(NamedTuple):
    """The last look at all contacts because of one thing."""

    run: str
    at: str
    parts: Mapping[str, PartitionProgress] = {}
    of: int = 0


class BackfillProgress(Protocol):
    """Notes how far the looks at all contacts are."""

    def begin(self, store: str, run: str, what: Sequence[str], of: int, at: datetime) -> None:
        """Note that a look in so many parts has begun, because of these things."""

    def part(self, store: str, run: str, part: str) -> PartitionProgress: ...

    def note(self, store: str, run: str, part: str, progress: PartitionProgress) -> None: ...

    def looked(self, store: str, what: str) -> BackfillSummary | None:
        """The last look because of a thing; None if there was none."""


class BackfillStarter(Protocol):
    """Has all contacts looked at."""

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        """Set a look going; harmless if it is or was."""


class OverdueMessage(NamedTuple):
    """A message whose outcome nobody has reported in time."""

    message: MessageRef
    enrollment: EnrollmentRef
    step: str
    turn: int
    category: Category
    attempts: int


class Timers(Protocol):
    """Knows what is due."""

    def due(self, now: datetime) -> Iterator[OverdueMessage | EnrollmentRef | ContactRef]:
        """Overdue messages, enrollments (of version 0: unknown) whose next leg is due, and contacts
        for whom something may have come by itself."""

    def paused(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        """The enrollments (of version 0) that wait for their workflow, each with its place: a
        search goes on after one."""

    def done_before(self, now: datetime) -> None:
        """All that `due` gave for this instant has been dealt with."""

    def put_off(self, ref: MessageRef | EnrollmentRef | ContactRef, now: datetime) -> None:
        """Something cannot be done. If it has been due for an hour, it need not be due again for
        a quarter of one: it could hold up nothing else, but its search would grow for ever."""

    def give_up(self, ref: MessageRef, at: datetime) -> bool:
        """Leave it unknown for good, or failed if it was throttled; False if it is settled."""


class MessageRetrier(Protocol):
    """Has a message sent once more where sending is allowed."""

    def retry_message(self, enrollment: EnrollmentRef, step: str, turn: int) -> bool:
        """Whether it was tried, or is not to be; False if it has to wait for the end of a pause."""
