"""Export: a copy of all that is kept of one person (GDPR, articles 15 and 20), as one JSON file.

It is written as it is read, so that its size is nobody's concern, into a file whose name says
nothing and which goes away by itself.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.api.ports import ContactRecords
from milepost.api.records import RecordScope, contact_record, enrollment_record, event_record
from milepost.base import instants
from milepost.contacts.event import contact_id
from milepost.contacts.profile import Profile
from milepost.privacy.ports import ContactDeletion, ExportStorage, PrivacyRequestStore
from milepost.privacy.request import EXPORT_KEPT, PrivacyRequest

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts


FORMAT = "milepost.person.1"


@dataclass(frozen=True, slots=True)
class PersonExporter:
    """Carries exports out. Doing it again writes the same file again."""

    contacts: "Contacts"
    lives: ContactRecords
    remains: ContactDeletion
    requests: PrivacyRequestStore
    vault: ExportStorage
    now: Callable[[], datetime]

    def carry_out(self, request: PrivacyRequest) -> PrivacyRequest:
        """Write the file and note that it is there; what the request is then."""
        now = self.now()
        people = self._same_person(request)
        for contact in people:  # noted first: whoever is erased from now on takes the file along
            self.requests.note_export(request, contact, now + EXPORT_KEPT)
        counted = _Count()
        self.vault.keep(request.store, request.id, self._texts(request, people, now, counted))
        self.requests.count(request, counted.items)
        done = request._replace(status="done", done_at=now, contacts=(), items=counted.items)
        self.requests.advance(done)
        return done

    def _same_person(self, request: PrivacyRequest) -> list[str]:
        """The contacts that were asked for and are known, and those that were merged into them."""
        found: dict[str, None] = {}
        for contact in request.contacts:
            profile = self.contacts.profile(request.store, contact)
            if profile is None:
                continue
            found[contact] = None
            for kind, value in self.remains.unshared_identifiers(
                request.store, [contact], profile.names()
            ):
                namesake = contact_id(request.store, kind, value)
                if self.contacts.profile(request.store, namesake) is not None:
                    found[namesake] = None
        return list(found)

    def _texts(
        self, request: PrivacyRequest, people: Iterable[str], now: datetime, counted: "_Count"
    ) -> Iterator[str]:
        head = {"format": FORMAT, "store": request.store, "made_at": instants.format_instant(now)}
        yield json.dumps(head)[:-1] + ', "contacts": ['
        for number, contact in enumerate(people):
            yield ",\n" if number else "\n"
            yield from self._person(request.store, contact, now, counted)
        yield "]}\n"

    def _person(self, store: str, contact: str, now: datetime, counted: "_Count") -> Iterator[str]:
        profile = self.contacts.profile(store, contact) or Profile(store, contact)
        addresses = {
            *profile.known_identifiers.get("email", ()),
            *([profile.email] if profile.email else []),
        }
        suppressed = self.lives.suppressions(store, sorted(addresses))
        own = suppressed.get(profile.email or "")
        counted.items += 1 + len(suppressed)
        yield '{"contact": ' + _text(contact_record(profile, own))
        yield ', "suppressions": ' + _text({a: s._asdict() for a, s in suppressed.items()})
        view = RecordScope(now=now)
        parts: Mapping[str, Iterable[Mapping[str, Any]]] = {
            "consents": (record.body for record in self.lives.proofs(store, contact)),
            "enrollments": map(enrollment_record, self.lives.enrollments(store, contact)),
            "messages": (record.body for record in self.lives.messages(store, contact)),
            "events": map(event_record, self.lives.events(store, contact, view)),
            "others": self.lives.others(store, contact),
        }
        for name, records in parts.items():
            yield f', "{name}": ['
            for number, record in enumerate(records):
                counted.items += 1
                yield (",\n" if number else "\n") + _text(record)
            yield "]"
        yield "}"


@dataclass(slots=True)
class _Count:
    items: int = 0


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
