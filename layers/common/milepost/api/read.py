"""Read: what is known of one contact, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from milepost.api.pages import PageRecord, ResultPage, paginate, read_cursor
from milepost.api.ports import ContactRecords
from milepost.api.records import (
    RecordScope,
    contact_record,
    enrollment_record,
    event_record,
    is_bookkeeping,
)
from milepost.contacts.event import IdentifierKind

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline


@dataclass(frozen=True, slots=True)
class ContactReader:
    """Looks contacts up. A contact that is unknown is None."""

    contacts: "Contacts"
    timeline: "Timeline"
    lives: ContactRecords

    def find(self, store: str, identifiers: Mapping[IdentifierKind, str]) -> dict[str, Any] | None:
        """The contact that one identifier leads to."""
        (contact,) = self.timeline.resolve(store, [identifiers])
        return self.contact(store, contact)

    def contact(self, store: str, contact: str) -> dict[str, Any] | None:
        profile = self.contacts.profile(store, contact)
        if profile is None:
            return None
        email = profile.email
        found = self.lives.suppressions(store, [email]) if email else {}
        return contact_record(profile, found.get(email) if email else None)

    def known(self, store: str, contact: str) -> str | None:
        """The contact's id, which is another one if it was merged away."""
        profile = self.contacts.profile(store, contact)
        return profile.contact if profile else None

    def events(
        self, store: str, contact: str, cursor: str | None, limit: int, view: RecordScope
    ) -> ResultPage:
        """The timeline; bookkeeping only if it is asked for by its name.

        Raises BadCursorError, as all pages do.
        """
        where = f"events\n{store}\n{contact}\n{view.name}"
        if cursor:
            reached = read_cursor(cursor, where).at
            view = view._replace(until=min(reached, view.until or reached), size=limit)
        records = (
            PageRecord(event.occurred_at, f"{event.name}\n{event.id}", event_record(event))
            for event in self.lives.events(store, contact, view)
            if view.name or not is_bookkeeping(event)
        )
        return paginate(records, where, cursor, limit)

    def consents(self, store: str, contact: str, cursor: str | None, limit: int) -> ResultPage:
        """The consent records."""
        return _page(
            self.lives.proofs(store, contact), f"consents\n{store}\n{contact}", cursor, limit
        )

    def enrollments(self, store: str, contact: str, cursor: str | None, limit: int) -> ResultPage:
        records = [
            PageRecord(each.entered_at, each.ref.id, enrollment_record(each))
            for each in self.lives.enrollments(store, contact)
        ]
        return _page(records, f"enrollments\n{store}\n{contact}", cursor, limit)

    def messages(self, store: str, contact: str, cursor: str | None, limit: int) -> ResultPage:
        """Every decision about a mail to this contact, those against it too."""
        return _page(
            self.lives.messages(store, contact), f"messages\n{store}\n{contact}", cursor, limit
        )


def _page(records: list[PageRecord], where: str, cursor: str | None, limit: int) -> ResultPage:
    newest_first = sorted(records, key=lambda record: record.at, reverse=True)
    return paginate(newest_first, where, cursor, limit)
