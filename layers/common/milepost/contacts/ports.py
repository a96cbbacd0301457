"""Contacts, and the timelines of what happened to them.

Who belongs to a list or a segment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from milepost.conditions.context import EventWindow, PastEvent
    from milepost.contacts.event import Event, IdentifierKind
    from milepost.contacts.profile import Profile

    Identifiers = Mapping[IdentifierKind, str]

    from milepost.base.refs import ContactRef


class Timeline(Protocol):
    """Appends what happened to the timeline of the contact it happened to."""

    def resolve(self, store: str, wanted: Sequence[Identifiers]) -> list[str]:
        """The contact of each set of identifiers; unknown ones get the id they will have."""

    def append(self, contact: str, event: Event) -> bool:
        """Keep the event; False if the timeline has it already."""

    def first_seen(self, store: str, source: str, event_id: str, now: datetime) -> datetime:
        """When an event without a time of its own was first reported: `now` only the first time."""

    def find(
        self, store: str, contact: str, name: str, at: datetime, event_id: str
    ) -> Event | None:
        """One event of a contact's timeline."""

    def past_events(self, store: str, contact: str, window: EventWindow) -> list[PastEvent]:
        """The events of one name since an instant."""


class Contacts(Protocol):
    """Keeps what is known of each contact."""

    def profile(self, store: str, contact: str) -> Profile | None:
        """The contact, or whoever it has been merged into."""

    def get_even_if_merged(self, store: str, contact: str) -> Profile | None:
        """The contact itself, also if it has been merged into another."""

    def apply(self, before: Profile | None, after: Profile) -> bool:
        """Replace `before` by `after`; False if somebody else changed the contact meanwhile."""

    def claim_identifiers(self, contact: str, event: Event) -> dict[IdentifierKind, str]:
        """Make the event's identifiers lead to the contact, where they lead nowhere yet; the
        contacts that the others lead to."""

    def repoint_identity(
        self, store: str, kind: IdentifierKind, value: str, old: str, new: str
    ) -> None:
        """Make an identifier that leads to one contact lead to another."""

    def record_consent(self, contact: str, event: Event, topics: Sequence[str]) -> None:
        """Add the event's answers to the log of proof."""

    def withdraw(self, contact: str, event: Event) -> None:
        """Withdraw what the event says, at once, with proof; works for contacts long gone, and for
        whoever a contact has been merged into."""

    def suppress(self, store: str, address_hash: str, reason: str, at: datetime) -> None:
        """Never mail this address again. What the post reports outranks that it was erased."""

    def lift_erasure_suppression(self, store: str, address_hash: str) -> None:
        """The person has confirmed anew that mail is wanted: end what an erasure left, no more."""

    def erased(self, store: str, contact: str) -> datetime | None:
        """Until when all that happened to this contact has been erased."""

    def delete_event(self, contact: str, event: Event) -> None:
        """Take an event off the timeline that came after its contact was erased."""


Group = Literal["all", "list", "segment"]
"""All contacts of a store, those on a list, or those in a segment."""


class Member(NamedTuple):
    """A contact, and when it became what it is a member of."""

    contact: str
    since: str


class MemberPage(NamedTuple):
    """Some members, and the place after which the next page begins; empty if there is none."""

    members: Sequence[Member]
    next: str


class Members(Protocol):
    """Knows who belongs to a list or a segment, and all contacts of a store (`all`, no name)."""

    def page(
        self, store: str, group: Group, name: str, after: str = "", most: int = 100
    ) -> MemberPage: ...

    def count(self, store: str, group: Group, name: str) -> int: ...


class Memberships(Members, Protocol):
    """Knows the members in parts, for whoever goes through all of them, and notes who is one."""

    def partition_count(self) -> int:
        """How many parts the members of anything are kept in."""

    def page_of(
        self, store: str, group: Group, name: str, part: int, after: str = "", most: int = 100
    ) -> MemberPage:
        """Some members of one part, and the place after which its next page begins."""

    def join(self, ref: ContactRef, group: Group, name: str, since: datetime) -> None:
        """Note that a contact belongs to a list or a segment; harmless if it is noted."""

    def leave(self, ref: ContactRef, group: Group, name: str) -> None:
        """Note that a contact no longer does; harmless if that is noted."""


class ReplayedEvent(NamedTuple):
    """Why an event of a timeline is applied once more: a mark of its own for every time.

    `follow` is the position at which it was applied, if only what follows from it is to be done.
    """

    mark: str
    follow: int = 0
