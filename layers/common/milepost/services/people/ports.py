"""What these use cases need from the world, beside what `milepost.ports` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milepost.domain.cursors import Record
    from milepost.domain.enrollments import Enrollment
    from milepost.domain.events import Event
    from milepost.domain.records import Suppression, View


class Lives(Protocol):
    """Reads what is kept of one contact."""

    def events(self, store: str, contact: str, view: View) -> Iterator[Event]:
        """The events, newest first, read as they are asked for."""

    def proofs(self, store: str, contact: str) -> list[Record]:
        """The log of consent, in no order."""

    def enrollments(self, store: str, contact: str) -> list[Enrollment]: ...

    def messages(self, store: str, contact: str) -> list[Record]:
        """The send ledger, in no order."""

    def suppressions(self, store: str, emails: Sequence[str]) -> dict[str, Suppression]:
        """Which of these addresses are never mailed, and why."""
