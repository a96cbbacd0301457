"""Makes one contact of two."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.runtime.merging.rules import Stay, asks, counted_twice
from milepost.simulator.memory.contacts import MemoryContacts
from milepost.simulator.memory.state import Record, State, enrollment_key, event_key, milliseconds

if TYPE_CHECKING:
    from milepost.contacts.ports import Again


@dataclass(frozen=True, slots=True)
class MemoryMerging:
    """Implements `Merging`."""

    state: State

    def reserve(self, store: str, loser: str, winner: str) -> list[Stay]:
        with self.state.lock:
            held = [
                each
                for each in self.state.enrollments.values()
                if (each.ref.store, each.ref.contact) == (store, loser)
            ]
            for key, home in self.state.reserved.items():
                if key[:2] == (store, loser):
                    held.append(self.state.enrollments[enrollment_key(home)])
            stays = [Stay(each.ref, each.key, each.event_id) for each in held]
            for stay in stays:
                there = stay.ref._replace(contact=winner, id=stay.at(winner))
                self.state.reserved.setdefault(enrollment_key(there), stay.ref)
        return stays

    def unite(
        self,
        loser: Profile,
        tombstone: Profile,
        winner: Profile,
        after: Profile,
        topics: Sequence[str],
    ) -> bool:
        one, other = (loser.store, loser.contact), (winner.store, winner.contact)
        with self.state.lock:
            if any(person == one for person, _ in self.state.absorbing):
                return False
            for seen in (loser, winner):
                held = self.state.profile(seen.store, seen.contact)
                if (held.applied, held.moved, held.merged_into) != (seen.applied, seen.moved, ""):
                    return False
                if held.consent != seen.consent or held.inside.keys() != seen.inside.keys():
                    return False
                if held.mailed != seen.mailed:
                    return False
            self.state.profiles[one] = tombstone
            self.state.profiles[other] = after
            self.state.absorbing.add((other, loser.contact))
        return True

    def carry(self, loser: Profile, after: str) -> tuple[list[Event], str]:
        one, other = (loser.store, loser.contact), (loser.store, loser.merged_into)
        met = []
        with self.state.lock:
            there = self.state.events.setdefault(other, {})
            for key, event in self.state.events.get(one, {}).items():
                if asks(event):
                    continue
                if key not in there:
                    there[key] = event
                    self.state.copied[other, key] = loser.contact
                elif self.state.copied.get((other, key)) != loser.contact:
                    met.append(event)
            for (person, at, id_, topic), proof in list(self.state.proofs.items()):
                if person == one:
                    copy = replace(proof, contact=loser.merged_into)
                    self.state.proofs.setdefault((other, at, id_, topic), copy)
        return met, ""

    def settle(self, loser: Profile) -> None:
        one, other = (loser.store, loser.contact), (loser.store, loser.merged_into)
        with self.state.lock:
            self.state.absorbing.discard((other, loser.contact))
            self.state.profiles[one] = replace(self.state.profiles[one], merging=False)

    def uncounted(self, winner: str, event: Event, loser: str) -> bool:
        person = (event.store, winner)
        with self.state.lock:
            taken_back = event_key(counted_twice(event, loser))
            held = self.state.events.get(person, {})
            return self.state.copied.get((person, event_key(event))) == loser or taken_back in held

    def apply_again(self, contact: str, event: Event, again: "Again") -> bool:
        person, event = (
            (event.store, contact),
            replace(event, occurred_at=milliseconds(event.occurred_at)),
        )
        with self.state.lock:
            key = (person, event_key(event), again.mark)
            if key in self.state.again:
                return False
            self.state.again.add(key)
            self.state.stream.append(Record(len(self.state.stream) + 1, contact, event, again))
        return True

    def part(self, before: Profile, after: Profile, event: Event) -> bool:
        with self.state.lock:
            if not MemoryContacts(self.state).apply(before, after):
                return False
            self.state.events.get((after.store, after.contact), {}).pop(event_key(event), None)
        return True
