"""Who belongs to a list or a segment, and who is a contact at all."""

from dataclasses import dataclass

from milepost.adapters.memory.state import State
from milepost.domain.contacts import first_seen
from milepost.ports import Group, Member, MemberPage


@dataclass(frozen=True, slots=True)
class MemoryMembers:
    """Implements `Members`. A place is `<since> <contact>` of the last one before it."""

    state: State

    def page(
        self, store: str, group: Group, name: str, after: str = "", most: int = 100
    ) -> MemberPage:
        found = [m for m in self._all(store, group, name) if f"{m.since} {m.contact}" > after]
        more = len(found) > most
        page = found[:most]
        return MemberPage(page, f"{page[-1].since} {page[-1].contact}" if more else "")

    def count(self, store: str, group: Group, name: str) -> int:
        return len(self._all(store, group, name))

    def _all(self, store: str, group: Group, name: str) -> list[Member]:
        with self.state.lock:
            found = [
                Member(contact, first_seen(profile))
                for (of, contact), profile in self.state.profiles.items()
                if of == store and profile.totals and group == "all"
            ]
        return sorted(found, key=lambda member: (member.since, member.contact))
