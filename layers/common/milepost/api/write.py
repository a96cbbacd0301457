"""Writes changes of a contact: each is an event on the timeline, and `react` applies it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from milepost.contacts.event import ConsentEvidence, Event
from milepost.contacts.timeline import date_event

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline


class Changed(NamedTuple):
    """The result of a change: the contact, and the id of its event."""

    contact: str
    event: str
    status: Literal["accepted", "duplicate"]


@dataclass(frozen=True, slots=True)
class ContactWriter:
    """Appends changes to timelines. Repeating one with the same key changes nothing."""

    contacts: "Contacts"
    timeline: "Timeline"

    def upsert(self, event: Event, dated: bool, now: datetime) -> Changed:
        """Change or create the contact of the event's identifiers."""
        (contact,) = self.timeline.resolve(event.store, [event.identifiers])
        return self.change(contact, event, dated, now)

    def change(self, contact: str, event: Event, dated: bool, now: datetime) -> Changed:
        kept = event if dated else date_event(self.timeline, event, now)
        new = self.timeline.append(contact, kept)
        return Changed(contact, kept.id, "accepted" if new else "duplicate")

    def answer(self, contact: str, event: Event, dated: bool, now: datetime) -> Changed:
        """Record a consent. A withdrawal that is given now takes effect at once.

        An earlier withdrawal goes onto the timeline first: a later grant may exist.
        """
        (fact,) = event.contact.consents
        given_now = fact.at == event.occurred_at
        kept = event if dated else date_event(self.timeline, event, now)
        if given_now:
            kept = _at(kept, fact)
        if not given_now or fact.state == "granted":
            return self.change(contact, kept, True, now)
        self.contacts.withdraw(contact, kept)
        return Changed(contact, kept.id, "accepted")


def _at(event: Event, fact: ConsentEvidence) -> Event:
    """A consent that is given now has the time of its event, also when the request is repeated."""
    facts = replace(event.contact, consents=(fact._replace(at=event.occurred_at),))
    return replace(event, contact=facts)
