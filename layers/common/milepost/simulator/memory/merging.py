"""Makes one contact of two."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from milepost.contacts.event import Event, is_merge_request
from milepost.contacts.profile import Profile
from milepost.runtime.merging.rules import OpenEnrollment, duplicate_corrected_event
from milepost.simulator.memory.contacts import MemoryContacts
from milepost.simulator.memory.state import (
    ContactsTable,
    StreamRecord,
    enrollment_key,
    event_key,
    milliseconds,
)

if TYPE_CHECKING:
    from milepost.contacts.ports import ReplayedEvent


@dataclass(frozen=True, slots=True)
class MemoryMerging:
    """Implements `Merging`."""

    state: ContactsTable

    def reserve(self, store: str, loser: str, winner: str) -> list[OpenEnrollment]:
        with self.state.lock:
            held = [
                each
                for each in self.state.enrollments.values()
                if (each.ref.store, each.ref.contact) == (store, loser)
            ]
            for key, home in self.state.reserved.items():
                if key[:2] == (store, loser):
                    held.append(self.state.enrollments[enrollment_key(home)])
            stays = [OpenEnrollment(each.ref, each.key, each.event_id) for each in held]
            for stay in stays:
                there = stay.ref._replace(contact=winner, id=stay.at(winner))
                self.state.reserved.setdefault(enrollment_key(there), stay.ref)
        return stays

    def merge_profiles(
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
                if (held.last_sequence, held.moved_events, held.merged_into) != (
                    seen.last_sequence,
                    seen.moved_events,
                    "",
                ):
                    return False
                if (
                    held.consent != seen.consent
                    or held.active_enrollments.keys() != seen.active_enrollments.keys()
                ):
                    return False
                if held.recent_sends != seen.recent_sends:
                    return False
            self.state.profiles[one] = tombstone
            self.state.profiles[other] = after
            self.state.absorbing.add((other, loser.contact))
        return True

    def copy_timeline(self, loser: Profile, after: str) -> tuple[list[Event], str]:
        one, other = (loser.store, loser.contact), (loser.store, loser.merged_into)
        met = []
        with self.state.lock:
            there = self.state.events.setdefault(other, {})
            for key, event in self.state.events.get(one, {}).items():
                if is_merge_request(event):
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

    def finish_merge(self, loser: Profile) -> None:
        one, other = (loser.store, loser.contact), (loser.store, loser.merged_into)
        with self.state.lock:
            self.state.absorbing.discard((other, loser.contact))
            self.state.profiles[one] = replace(self.state.profiles[one], merging=False)

    def undo_double_count(self, winner: str, event: Event, loser: str) -> bool:
        person = (event.store, winner)
        with self.state.lock:
            taken_back = event_key(duplicate_corrected_event(event, loser))
            held = self.state.events.get(person, {})
            return self.state.copied.get((person, event_key(event))) == loser or taken_back in held

    def replay(self, contact: str, event: Event, again: "ReplayedEvent") -> bool:
        person, event = (
            (event.store, contact),
            replace(event, occurred_at=milliseconds(event.occurred_at)),
        )
        with self.state.lock:
            key = (person, event_key(event), again.mark)
            if key in self.state.again:
                return False
            self.state.again.add(key)
            self.state.stream.append(
                StreamRecord(len(self.state.stream) + 1, contact, event, again)
            )
        return True

    def move_misrouted(self, before: Profile, after: Profile, event: Event) -> bool:
        with self.state.lock:
            if not MemoryContacts(self.state).apply(before, after):
                return False
            self.state.events.get((after.store, after.contact), {}).pop(event_key(event), None)
        return True
