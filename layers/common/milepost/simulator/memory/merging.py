"""Merging of contacts in memory."""

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
            stored = [
                each
                for each in self.state.enrollments.values()
                if (each.ref.store, each.ref.contact) == (store, loser)
            ]
            for key, original in self.state.reserved.items():
                if key[:2] == (store, loser):
                    stored.append(self.state.enrollments[enrollment_key(original)])
            reserved = [OpenEnrollment(each.ref, each.key, each.event_id) for each in stored]
            for each in reserved:
                future = each.ref._replace(contact=winner, id=each.at(winner))
                self.state.reserved.setdefault(enrollment_key(future), each.ref)
        return reserved

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
                stored = self.state.profile(seen.store, seen.contact)
                if (stored.last_sequence, stored.moved_events, stored.merged_into) != (
                    seen.last_sequence,
                    seen.moved_events,
                    "",
                ):
                    return False
                if (
                    stored.consent != seen.consent
                    or stored.active_enrollments.keys() != seen.active_enrollments.keys()
                ):
                    return False
                if stored.recent_sends != seen.recent_sends:
                    return False
            self.state.profiles[one] = tombstone
            self.state.profiles[other] = after
            self.state.absorbing.add((other, loser.contact))
        return True

    def copy_timeline(self, loser: Profile, after: str) -> tuple[list[Event], str]:
        one, other = (loser.store, loser.contact), (loser.store, loser.merged_into)
        duplicates = []
        with self.state.lock:
            target = self.state.events.setdefault(other, {})
            for key, event in self.state.events.get(one, {}).items():
                if is_merge_request(event):
                    continue
                if key not in target:
                    target[key] = event
                    self.state.copied[other, key] = loser.contact
                elif self.state.copied.get((other, key)) != loser.contact:
                    duplicates.append(event)
            for (person, at, id_, topic), proof in list(self.state.proofs.items()):
                if person == one:
                    copy = replace(proof, contact=loser.merged_into)
                    self.state.proofs.setdefault((other, at, id_, topic), copy)
        return duplicates, ""

    def finish_merge(self, loser: Profile) -> None:
        one, other = (loser.store, loser.contact), (loser.store, loser.merged_into)
        with self.state.lock:
            self.state.absorbing.discard((other, loser.contact))
            self.state.profiles[one] = replace(self.state.profiles[one], merging=False)

    def undo_double_count(self, winner: str, event: Event, loser: str) -> bool:
        person = (event.store, winner)
        with self.state.lock:
            correction = event_key(duplicate_corrected_event(event, loser))
            stored = self.state.events.get(person, {})
            return (
                self.state.copied.get((person, event_key(event))) == loser or correction in stored
            )

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
