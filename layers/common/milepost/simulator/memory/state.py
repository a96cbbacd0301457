"""What the contacts table holds, as plain values; the adapters of this folder share one of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import instants
from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.event import ConsentEvidence, Event
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment
from milepost.privacy.request import PrivacyRequest

if TYPE_CHECKING:
    from milepost.contacts.ports import ReplayedEvent


Person = tuple[str, str]
"""A store and a contact in it."""

EventKey = tuple[str, datetime, str]
"""Name, instant and id: two events of one contact that agree in these are one event."""

EnrollmentKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One event as the stream hands it over; `position` grows with every record.

    `again` says why, if the timeline had the event before.
    """

    position: int
    contact: str
    event: Event
    again: "ReplayedEvent | None" = None


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One answer of a contact to one topic, kept for good."""

    contact: str
    topic: str
    at: datetime
    event: Event
    fact: ConsentEvidence


@dataclass(slots=True)
class WaitMatch:
    """The two halves of one wait. A parked one has no token, but the leg is that to begin."""

    token: str | None = None
    leg: int = 0
    since: datetime | None = None
    outcome: str = ""
    event: Event | None = None


class Timer(NamedTuple):
    """When a leg is due; `paused` ones wait for their workflow."""

    due: datetime
    paused: bool = False


@dataclass(slots=True)
class ContactsTable:
    """All contacts of all stores. Whoever reads and then writes holds `lock` meanwhile.

    Instants are kept to the millisecond, as the tables keep them. Nothing expires. `stream` holds
    every event in the order in which they were appended. `copied` says from whom the events of
    contacts that were merged away came, `reserved` where enrollments for the same are kept.
    """

    lock: RLock = field(default_factory=RLock)
    profiles: dict[Person, Profile] = field(default_factory=dict)
    events: dict[Person, dict[EventKey, Event]] = field(default_factory=dict)
    stream: list[StreamRecord] = field(default_factory=list)
    identities: dict[tuple[str, str, str], str] = field(default_factory=dict)
    first_seen: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    proofs: dict[tuple[Person, datetime, str, str], ConsentRecord] = field(default_factory=dict)
    suppressed: dict[tuple[str, str], str] = field(default_factory=dict)
    suppressed_at: dict[tuple[str, str], str] = field(default_factory=dict)
    enrollments: dict[EnrollmentKey, Enrollment] = field(default_factory=dict)
    messages: dict[MessageRef, dict[str, Any]] = field(default_factory=dict)
    timers: dict[EnrollmentKey, Timer] = field(default_factory=dict)
    members: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)
    waits: dict[tuple[EnrollmentKey, str], WaitMatch] = field(default_factory=dict)
    erased: dict[Person, datetime] = field(default_factory=dict)
    exports: dict[tuple[Person, str], datetime] = field(default_factory=dict)
    requests: dict[tuple[str, str], PrivacyRequest] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    copied: dict[tuple[Person, EventKey], str] = field(default_factory=dict)
    again: set[tuple[Person, EventKey, str]] = field(default_factory=set)
    absorbing: set[tuple[Person, str]] = field(default_factory=set)
    reserved: dict[EnrollmentKey, EnrollmentRef] = field(default_factory=dict)

    def profile(self, store: str, contact: str) -> Profile:
        """The profile; an empty one if nothing is known."""
        return self.profiles.get((store, contact)) or Profile(store, contact)

    def owner(self, store: str, contact: str) -> Profile | None:
        """The contact, or whoever it has been merged into."""
        found = self.profiles.get((store, contact))
        while found is not None and found.merged_into:
            found = self.profiles.get((store, found.merged_into))
        return found

    def append(self, contact: str, event: Event) -> bool:
        """Keep an event and put it on the stream, unless it is there already."""
        held = self.events.setdefault((event.store, contact), {})
        key = event_key(event)
        if key in held:
            return False
        held[key] = event
        self.stream.append(StreamRecord(len(self.stream) + 1, contact, event))
        return True

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        """A message's facts as they are now, or None."""
        held = self.messages.get(ref)
        return None if held is None else dict(held)


def event_key(event: Event) -> EventKey:
    return (event.name, milliseconds(event.occurred_at), event.id)


def enrollment_key(ref: EnrollmentRef) -> EnrollmentKey:
    """Where an enrollment is kept: its version is one of its facts, not of its name."""
    return (ref.store, ref.contact, ref.workflow, ref.id)


def milliseconds(instant: datetime) -> datetime:
    """An instant as the tables would give it back."""
    return instants.parse_instant(instants.format_instant(instant))
