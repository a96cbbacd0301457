"""Who belongs to a list or a segment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from milepost.domain.refs import ContactRef


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

    def parts(self) -> int:
        """How many parts the members of anything are kept in."""

    def page_of(
        self, store: str, group: Group, name: str, part: int, after: str = "", most: int = 100
    ) -> MemberPage:
        """Some members of one part, and the place after which its next page begins."""

    def join(self, ref: ContactRef, group: Group, name: str, since: datetime) -> None:
        """Note that a contact belongs to a list or a segment; harmless if it is noted."""

    def leave(self, ref: ContactRef, group: Group, name: str) -> None:
        """Note that a contact no longer does; harmless if that is noted."""
