"""Members of lists and segments, and all contacts, in memory."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base import times
from milepost.base.names import ContactRef
from milepost.contacts.ports import Member, MemberPage
from milepost.contacts.profile import first_seen
from milepost.simulator.memory.state import ContactsTable

if TYPE_CHECKING:
    from milepost.contacts.ports import Group


PARTS = 8


@dataclass(frozen=True, slots=True)
class MemoryMembers:
    """Implements `Members`. A cursor is `<since> <contact>` of the last member before it."""

    state: ContactsTable

    def page(
        self, store: str, group: "Group", name: str, after: str = "", most: int = 100
    ) -> MemberPage:
        return self._page(store, group, name, after, most)

    def _page(
        self, store: str, group: "Group", name: str, after: str, most: int, part: int | None = None
    ) -> MemberPage:
        found = [
            member
            for member in self._all(store, group, name)
            if f"{member.since} {member.contact}" > after
            and part in (None, int(member.contact[-4:], 16) % PARTS)
        ]
        more = len(found) > most
        page = found[:most]
        return MemberPage(page, f"{page[-1].since} {page[-1].contact}" if more else "")

    def count(self, store: str, group: "Group", name: str) -> int:
        return len(self._all(store, group, name))

    def partition_count(self) -> int:
        return PARTS

    def page_of(
        self, store: str, group: "Group", name: str, part: int, after: str = "", most: int = 100
    ) -> MemberPage:
        return self._page(store, group, name, after, most, part)

    def join(self, ref: ContactRef, group: "Group", name: str, since: datetime) -> None:
        with self.state.lock:
            stored = self.state.members.setdefault((ref.store, group, name), {})
            stored[ref.contact] = times.format_instant(since)

    def leave(self, ref: ContactRef, group: "Group", name: str) -> None:
        with self.state.lock:
            self.state.members.get((ref.store, group, name), {}).pop(ref.contact, None)

    def _all(self, store: str, group: "Group", name: str) -> list[Member]:
        with self.state.lock:
            found = [
                Member(contact, first_seen(profile))
                for (owner, contact), profile in self.state.profiles.items()
                if owner == store and profile.totals and group == "all"
            ]
            named = self.state.members.get((store, group, name), {})
            found += [Member(contact, since) for contact, since in named.items()]
        return sorted(found, key=lambda member: (member.since, member.contact))
