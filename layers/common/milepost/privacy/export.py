"""Exports everything that is stored about a person as one JSON file (GDPR, articles 15 and 20).

The file is streamed, so its size is not limited by memory. Its name reveals nothing about the
person, and a lifecycle rule deletes it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.api.ports import ContactRecords
from milepost.api.records import RecordScope, contact_record, enrollment_record, event_record
from milepost.base import times
from milepost.contacts.event import contact_id
from milepost.contacts.profile import Profile
from milepost.privacy.ports import ContactDeletion, ExportStorage, PrivacyRequestStore
from milepost.privacy.request import EXPORT_KEPT, PrivacyRequest

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts


FORMAT = "milepost.person.1"


@dataclass(frozen=True, slots=True)
class PersonExporter:
    """Carries out exports. A repetition writes the same file again."""

    contacts: "Contacts"
    records: ContactRecords
    remains: ContactDeletion
    requests: PrivacyRequestStore
    vault: ExportStorage
    now: Callable[[], datetime]

    def carry_out(self, request: PrivacyRequest) -> PrivacyRequest:
        """Write the file, record it on the contacts, and return the finished request."""
        now = self.now()
        contacts = self._same_person(request)
        for contact in contacts:  # recorded first, so that an erasure also removes the file
            self.requests.note_export(request, contact, now + EXPORT_KEPT)
        counter = _Counter()
        self.vault.keep(request.store, request.id, self._texts(request, contacts, now, counter))
        self.requests.count(request, counter.items)
        done = request._replace(status="done", done_at=now, contacts=(), items=counter.items)
        self.requests.advance(done)
        return done

    def _same_person(self, request: PrivacyRequest) -> list[str]:
        """The requested contacts that exist, and the contacts that were merged into them."""
        found: dict[str, None] = {}
        for contact in request.contacts:
            profile = self.contacts.profile(request.store, contact)
            if profile is None:
                continue
            found[contact] = None
            for kind, value in self.remains.unshared_identifiers(
                request.store, [contact], profile.names()
            ):
                derived = contact_id(request.store, kind, value)
                if self.contacts.profile(request.store, derived) is not None:
                    found[derived] = None
        return list(found)

    def _texts(
        self, request: PrivacyRequest, contacts: Iterable[str], now: datetime, counter: "_Counter"
    ) -> Iterator[str]:
        head = {"format": FORMAT, "store": request.store, "made_at": times.format_instant(now)}
        yield json.dumps(head)[:-1] + ', "contacts": ['
        for number, contact in enumerate(contacts):
            yield ",\n" if number else "\n"
            yield from self._person(request.store, contact, now, counter)
        yield "]}\n"

    def _person(
        self, store: str, contact: str, now: datetime, counter: "_Counter"
    ) -> Iterator[str]:
        profile = self.contacts.profile(store, contact) or Profile(store, contact)
        addresses = {
            *profile.known_identifiers.get("email", ()),
            *([profile.email] if profile.email else []),
        }
        suppressed = self.records.suppressions(store, sorted(addresses))
        current = suppressed.get(profile.email or "")
        counter.items += 1 + len(suppressed)
        yield '{"contact": ' + _text(contact_record(profile, current))
        yield ', "suppressions": ' + _text({a: s._asdict() for a, s in suppressed.items()})
        scope = RecordScope(now=now)
        parts: Mapping[str, Iterable[Mapping[str, Any]]] = {
            "consents": (record.body for record in self.records.proofs(store, contact)),
            "enrollments": map(enrollment_record, self.records.enrollments(store, contact)),
            "messages": (record.body for record in self.records.messages(store, contact)),
            "events": map(event_record, self.records.events(store, contact, scope)),
            "others": self.records.others(store, contact),
        }
        for name, entries in parts.items():
            yield f', "{name}": ['
            for number, record in enumerate(entries):
                counter.items += 1
                yield (",\n" if number else "\n") + _text(record)
            yield "]"
        yield "}"


@dataclass(slots=True)
class _Counter:
    items: int = 0


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
