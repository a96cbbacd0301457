"""Ports of contacts, their timelines, and the members of lists and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from milepost.conditions.context import EventWindow, PastEvent
    from milepost.contacts.event import Event, IdentifierKind
    from milepost.contacts.profile import Profile

    Identifiers = Mapping[IdentifierKind, str]

    from milepost.base.names import ContactRef


class Timeline(Protocol):
    """The timelines of contacts."""

    def resolve(self, store: str, wanted: Sequence[Identifiers]) -> list[str]:
        """The contact of each set of identifiers; unknown ones get their future id."""

    def append(self, contact: str, event: Event) -> bool:
        """Store the event; False if the timeline has it already."""

    def first_seen(self, store: str, source: str, event_id: str, now: datetime) -> datetime:
        """When an event without a time was first reported; `now` for the first report."""

    def find(
        self, store: str, contact: str, name: str, at: datetime, event_id: str
    ) -> Event | None:
        """One event of a contact's timeline."""

    def past_events(self, store: str, contact: str, window: EventWindow) -> list[PastEvent]:
        """The events of one name since an instant."""


class Contacts(Protocol):
    """The profiles of contacts, with consent log and suppressions."""

    def profile(self, store: str, contact: str) -> Profile | None:
        """The contact, or the contact that it was merged into."""

    def get_even_if_merged(self, store: str, contact: str) -> Profile | None:
        """The contact itself, even if it was merged into another."""

    def apply(self, before: Profile | None, after: Profile) -> bool:
        """Replace `before` by `after`; False if the contact has changed meanwhile."""

    def claim_identifiers(self, contact: str, event: Event) -> dict[IdentifierKind, str]:
        """Claim the event's unclaimed identifiers for the contact; return the contacts that have
        the others."""

    def repoint_identity(
        self, store: str, kind: IdentifierKind, value: str, old: str, new: str
    ) -> None:
        """Move an identifier from one contact to another."""

    def record_consent(self, contact: str, event: Event, topics: Sequence[str]) -> None:
        """Add the event's answers to the consent log."""

    def withdraw(self, contact: str, event: Event) -> None:
        """Withdraw the event's topics at once, with a consent log entry. It works for contacts
        without a profile, and follows a merge to the other contact."""

    def suppress(self, store: str, address_hash: str, reason: str, at: datetime) -> None:
        """Suppress an address. A report of SES replaces the reason of an erasure."""

    def lift_erasure_suppression(self, store: str, address_hash: str) -> None:
        """End the suppression of an erasure after a confirmed new sign-up; leave any other."""

    def erased(self, store: str, contact: str) -> datetime | None:
        """The instant up to which this contact's events are erased."""

    def delete_event(self, contact: str, event: Event) -> None:
        """Delete an event that arrived after its contact was erased."""


Group = Literal["all", "list", "segment"]
"""All contacts of a store, those on a list, or those in a segment."""


class Member(NamedTuple):
    """A contact, and the time at which it became a member."""

    contact: str
    since: str


class MemberPage(NamedTuple):
    """One page of members, and the cursor of the next page; empty if there is none."""

    members: Sequence[Member]
    next: str


class Members(Protocol):
    """The members of lists and segments, and all contacts of a store (`all`, no name)."""

    def page(
        self, store: str, group: Group, name: str, after: str = "", most: int = 100
    ) -> MemberPage: ...

    def count(self, store: str, group: Group, name: str) -> int: ...


class Memberships(Members, Protocol):
    """Reads members by partition, and adds and removes them."""

    def partition_count(self) -> int:
        """The number of partitions of each group."""

    def page_of(
        self, store: str, group: Group, name: str, part: int, after: str = "", most: int = 100
    ) -> MemberPage:
        """One page of one partition."""

    def join(self, ref: ContactRef, group: Group, name: str, since: datetime) -> None:
        """Add a contact to a list or a segment; a repetition changes nothing."""

    def leave(self, ref: ContactRef, group: Group, name: str) -> None:
        """Remove a contact from a list or a segment; a repetition changes nothing."""


class ReplayedEvent(NamedTuple):
    """A request to apply an event again; every request has its own `mark`.

    `follow` is the position at which the event was applied, if only its consequences are to be
    repeated.
    """

    mark: str
    follow: int = 0
