"""Merge: two contacts turn out to be one person.

The contact that is merged away decides, when it is asked, and does all of it, in the order of its
own timeline: one transaction makes two profiles one, and what follows (timeline, proofs, open
enrollments, identifiers) is done again after a crash until it is complete. What comes to it later
is handed on. See docs/decisions/0017-merging.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from milepost.base.errors import ThrottledError
from milepost.contacts.event import (
    Event,
    IdentifierKind,
    claimable_identifiers,
    is_misrouted,
    is_system_event,
    personal_identifiers,
)
from milepost.contacts.ports import ReplayedEvent
from milepost.contacts.profile import PERMANENT_IDENTIFIERS, Profile
from milepost.runtime.merging.rules import (
    ALREADY_ENROLLED,
    MergeRequest,
    conflicting_identifiers,
    decide,
    duplicate_corrected_event,
    merge_completed_event,
    merge_profiles,
    merge_request_event,
    read_merge_request,
    reverse_request,
    with_claimed_identifier,
)

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.enrollments.ports import Enrollments, ExecutionEngine
    from milepost.runtime.merging.ports import Merging


MergeResult = Literal["", "changed", "merged", "handed on"]
"""What became of an event that asks or comes astray; empty if the contact changed meanwhile."""


@dataclass(frozen=True, slots=True)
class ContactMerger:
    """Makes one contact of two, on behalf of `react`."""

    contacts: "Contacts"
    timeline: "Timeline"
    enrollments: "Enrollments"
    engine: "ExecutionEngine"
    merging: "Merging"

    def request_merge(
        self, contact: str, event: Event, elsewhere: Mapping[IdentifierKind, str]
    ) -> None:
        """Ask those to merge whom an event's identifiers lead to. Repeating it asks nothing new."""
        for kind, other in elsewhere.items():
            self.timeline.append(other, merge_request_event(contact, event, kind))

    def handle_request(
        self,
        held: Profile | None,
        contact: str,
        event: Event,
        position: int,
        now: datetime,
        topics: Iterable[str],
    ) -> MergeResult:
        """What comes of being asked."""
        ask = read_merge_request(event)
        own = held or Profile(event.store, contact)
        other = self.contacts.profile(event.store, ask.into) or Profile(event.store, ask.into)
        if other.contact == contact:
            # We are one by now. What the other's event said of the person is still to be noted.
            return (
                "changed" if self._note(held, with_claimed_identifier(own, ask), position) else ""
            )
        verdict = decide(own, other, ask)
        if verdict == "merge":
            return self._merge(own, other, event, ask, position, now, topics)
        if verdict == "the other way":
            self.timeline.append(other.contact, reverse_request(event, contact))
        elif verdict == "lead":
            self.contacts.repoint_identity(event.store, ask.kind, ask.value, contact, other.contact)
        return "changed"

    def _note(self, held: Profile | None, after: Profile, position: int) -> bool:
        return self.contacts.apply(held, replace(after, last_sequence=position))

    def _merge(
        self,
        loser: Profile,
        winner: Profile,
        event: Event,
        ask: MergeRequest,
        position: int,
        now: datetime,
        topics: Iterable[str],
    ) -> MergeResult:
        stays = self.merging.reserve(loser.store, loser.contact, winner.contact)
        ends = conflicting_identifiers(winner, loser, stays)
        after = replace(
            with_claimed_identifier(merge_profiles(winner, loser, ends), ask),
            moved_events=winner.moved_events + 1,
        )
        tombstone = Profile(
            loser.store,
            loser.contact,
            active_enrollments={id_: loser.active_enrollments[id_] for id_ in ends},
            known_identifiers=loser.known_identifiers,
            last_sequence=position,
            merged_into=winner.contact,
            merging=True,
        )
        asked_of = tuple(dict.fromkeys((*topics, *loser.consent)))
        if not self.merging.merge_profiles(loser, tombstone, winner, after, asked_of):
            return ""
        self.finish(tombstone, event, now)
        return "merged"

    def finish(self, loser: Profile, event: Event, now: datetime) -> None:
        """Do what follows from a merge; all of it again after a crash."""
        for id_, presence in loser.active_enrollments.items():
            ref = presence.ref(loser.store, loser.contact, id_)
            self.enrollments.finish(ref, "exited", ALREADY_ENROLLED, now)
            self.engine.stop(ref, ALREADY_ENROLLED, self.enrollments.current_execution(ref))
        for kind in PERMANENT_IDENTIFIERS:
            for value in loser.known_identifiers.get(kind, ()):
                self.contacts.repoint_identity(
                    loser.store, kind, value, loser.contact, loser.merged_into
                )
        place, more = "", True
        while more:
            met, place = self.merging.copy_timeline(loser, place)
            for twice in met:
                if not is_system_event(twice):
                    self.timeline.append(
                        loser.merged_into, duplicate_corrected_event(twice, loser.contact)
                    )
            more = bool(place)
        self.timeline.append(loser.merged_into, merge_completed_event(event, loser.contact))
        self.merging.finish_merge(loser)

    def is_late(self, loser: Profile, position: int) -> bool:
        """Whether an event came to a contact after it had been merged away."""
        if position > loser.last_sequence and loser.merging:
            raise ThrottledError("the contact is being merged into another")
        return position > loser.last_sequence

    def forward_event(self, loser: Profile, event: Event, again: ReplayedEvent | None) -> str:
        """Give a late event to whoever the contact has become; it counts there, once.

        If that one has been merged away too, it hands it on itself: which of its events have been
        counted is known to each contact of its own alone.
        """
        there = loser.merged_into
        for kind, value in claimable_identifiers(event).items():
            self.contacts.repoint_identity(event.store, kind, value, loser.contact, there)
        if again is not None:
            self.merging.replay(there, event, again)
        elif not self.timeline.append(there, event) and self.merging.undo_double_count(
            there, event, loser.contact
        ):
            # It was copied with the rest before its turn came, or taken for a second report.
            self.merging.replay(there, event, ReplayedEvent(loser.contact))
        return there

    def owner_of(self, held: Profile, event: Event) -> str:
        """The contact of an event that a shared device led astray; empty if it is this one's."""
        if not is_misrouted(held.contact, held.known_identifiers, event):
            return ""
        names = {
            kind: value
            for kind, value in personal_identifiers(claimable_identifiers(event)).items()
            if value not in held.known_identifiers.get(kind, ())
        }
        (there,) = self.timeline.resolve(event.store, [names])
        return "" if there == held.contact else there
