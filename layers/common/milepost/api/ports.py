from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from milepost.api.pages import PageRecord
    from milepost.api.records import RecordScope, Suppression
    from milepost.contacts.event import Event
    from milepost.enrollments.enrollment import Enrollment


class ContactRecords(Protocol):
    """Reads the records of one contact."""

    def events(self, store: str, contact: str, view: RecordScope) -> Iterator[Event]:
        """The events, newest first, read lazily."""

    def proofs(self, store: str, contact: str) -> list[PageRecord]:
        """The consent log, in no order."""

    def enrollments(self, store: str, contact: str) -> list[Enrollment]: ...

    def messages(self, store: str, contact: str) -> list[PageRecord]:
        """The send ledger, in no order."""

    def others(self, store: str, contact: str) -> Iterator[Mapping[str, Any]]:
        """All other items, as plain JSON with their `kind`."""

    def suppressions(self, store: str, emails: Sequence[str]) -> dict[str, Suppression]:
        """The suppressed ones among these addresses, with the reason."""
