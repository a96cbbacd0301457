"""The content of the contacts table as plain values, shared by the adapters in this folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import times
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.contacts.event import ConsentEvidence, Event
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment
from milepost.privacy.request import PrivacyRequest

if TYPE_CHECKING:
    from milepost.contacts.ports import ReplayedEvent


Person = tuple[str, str]
"""A store and a contact in it."""

EventKey = tuple[str, datetime, str]
"""Name, instant and id. They identify an event of a contact."""

EnrollmentKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One event of the stream. `position` grows with every record.

    `again` says why the event is replayed, if it is in the timeline already.
    """

    position: int
    contact: str
    event: Event
    again: "ReplayedEvent | None" = None


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One answer of a contact to one topic. It is never deleted."""

    contact: str
    topic: str
    at: datetime
    event: Event
    fact: ConsentEvidence


@dataclass(slots=True)
class WaitMatch:
    """A wait and its event. A suspended wait has no task token, and continues in `execution_no`."""

    token: str | None = None
    execution_no: int = 0
    since: datetime | None = None
    outcome: str = ""
    event: Event | None = None


class Timer(NamedTuple):
    """When an execution is due. A `paused` timer waits for the end of the pause."""

    due: datetime
    paused: bool = False


@dataclass(slots=True)
class ContactsTable:
    """All contacts of all stores. Hold `lock` to read and then write.

    Instants have milliseconds, as in the tables. Nothing expires. `stream` has all events in the
    order in which they were appended. `copied` maps copied events to the merged contact that they
    come from. `reserved` maps an enrollment under the winner of a merge to the original.
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
        """The profile, or an empty one."""
        return self.profiles.get((store, contact)) or Profile(store, contact)

    def owner(self, store: str, contact: str) -> Profile | None:
        """The contact, or the contact it was merged into."""
        found = self.profiles.get((store, contact))
        while found is not None and found.merged_into:
            found = self.profiles.get((store, found.merged_into))
        return found

    def append(self, contact: str, event: Event) -> bool:
        """Store an event and put it on the stream; False if it exists already."""
        stored = self.events.setdefault((event.store, contact), {})
        key = event_key(event)
        if key in stored:
            return False
        stored[key] = event
        self.stream.append(StreamRecord(len(self.stream) + 1, contact, event))
        return True

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        """A copy of a message's attributes, or None."""
        stored = self.messages.get(ref)
        return None if stored is None else dict(stored)


def event_key(event: Event) -> EventKey:
    return (event.name, milliseconds(event.occurred_at), event.id)


def enrollment_key(ref: EnrollmentRef) -> EnrollmentKey:
    """The key of an enrollment. Its version is not part of it, because it can change."""
    return (ref.store, ref.contact, ref.workflow, ref.id)


def milliseconds(instant: datetime) -> datetime:
    """An instant with the precision of the tables."""
    return times.parse_instant(times.format_instant(instant))
