from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from milepost.api.pages import PageRecord
    from milepost.api.records import RecordScope, Suppression
    from milepost.contacts.event import Event
    from milepost.enrollments.enrollment import Enrollment


class ContactRecords(Protocol):
    """Reads what is kept of one contact."""

    def events(self, store: str, contact: str, view: RecordScope) -> Iterator[Event]:
        """The events, newest first, read as they are asked for."""

    def proofs(self, store: str, contact: str) -> list[PageRecord]:
        """The log of consent, in no order."""

    def enrollments(self, store: str, contact: str) -> list[Enrollment]: ...

    def messages(self, store: str, contact: str) -> list[PageRecord]:
        """The send ledger, in no order."""

    def others(self, store: str, contact: str) -> Iterator[Mapping[str, Any]]:
        """What is kept beside all that, as plain JSON with its `kind`."""

    def suppressions(self, store: str, emails: Sequence[str]) -> dict[str, Suppression]:
        """Which of these addresses are never mailed, and why."""
