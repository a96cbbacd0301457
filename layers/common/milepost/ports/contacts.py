"""Contacts, and the timelines of what happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from milepost.domain.conditions import Happening, Window
    from milepost.domain.contacts import Profile
    from milepost.domain.events import Event, IdentifierKind

    Identifiers = Mapping[IdentifierKind, str]


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

    def happenings(self, store: str, contact: str, window: Window) -> list[Happening]:
        """The events of one name since an instant."""


class Contacts(Protocol):
    """Keeps what is known of each contact."""

    def profile(self, store: str, contact: str) -> Profile | None:
        """The contact, or whoever it has been merged into."""

    def held(self, store: str, contact: str) -> Profile | None:
        """The contact itself, also if it has been merged into another."""

    def apply(self, before: Profile | None, after: Profile) -> bool:
        """Replace `before` by `after`; False if somebody else changed the contact meanwhile."""

    def link(self, contact: str, event: Event) -> dict[IdentifierKind, str]:
        """Make the event's identifiers lead to the contact, where they lead nowhere yet; the
        contacts that the others lead to."""

    def lead(self, store: str, kind: IdentifierKind, value: str, old: str, new: str) -> None:
        """Make an identifier that leads to one contact lead to another."""

    def record_consent(self, contact: str, event: Event, topics: Sequence[str]) -> None:
        """Add the event's answers to the log of proof."""

    def withdraw(self, contact: str, event: Event) -> None:
        """Withdraw what the event says, at once, with proof; works for contacts long gone, and for
        whoever a contact has been merged into."""

    def suppress(self, store: str, address_hash: str, reason: str, at: datetime) -> None:
        """Never mail this address again. What the post reports outranks that it was erased."""

    def welcome_back(self, store: str, address_hash: str) -> None:
        """The person has confirmed anew that mail is wanted: end what an erasure left, no more."""

    def erased(self, store: str, contact: str) -> datetime | None:
        """Until when all that happened to this contact has been erased."""

    def forget(self, contact: str, event: Event) -> None:
        """Take an event off the timeline that came after its contact was erased."""
