"""Merge two contacts that are the same person.

The contact that receives the merge request decides and merges itself away, in the order of its own
timeline. One transaction merges the profiles. The rest (timeline, consent log, enrollments,
identifiers) is repeated after a crash until it is complete. Later events are forwarded. See
docs/decisions/0017-merging.md.
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
"""The result of a merge request or a misrouted event; empty if the contact changed meanwhile."""


@dataclass(frozen=True, slots=True)
class ContactMerger:
    """Merges contacts for `react`."""

    contacts: "Contacts"
    timeline: "Timeline"
    enrollments: "Enrollments"
    engine: "ExecutionEngine"
    merging: "Merging"

    def request_merge(
        self, contact: str, event: Event, elsewhere: Mapping[IdentifierKind, str]
    ) -> None:
        """Request a merge from each contact that has an identifier of the event. Repetitions add
        no request."""
        for kind, other in elsewhere.items():
            self.timeline.append(other, merge_request_event(contact, event, kind))

    def handle_request(
        self,
        profile: Profile | None,
        contact: str,
        event: Event,
        position: int,
        now: datetime,
        topics: Iterable[str],
    ) -> MergeResult:
        """Decide a merge request and apply the decision."""
        ask = read_merge_request(event)
        own = profile or Profile(event.store, contact)
        other = self.contacts.profile(event.store, ask.into) or Profile(event.store, ask.into)
        if other.contact == contact:
            # Already merged. Only the identifier of the request is still to be stored.
            claimed = replace(with_claimed_identifier(own, ask), last_sequence=position)
            return "changed" if self.contacts.apply(profile, claimed) else ""
        verdict = decide(own, other, ask)
        if verdict == "merge":
            return self._merge(own, other, event, ask, position, now, topics)
        if verdict == "the other way":
            self.timeline.append(other.contact, reverse_request(event, contact))
        elif verdict == "lead":
            self.contacts.repoint_identity(event.store, ask.kind, ask.value, contact, other.contact)
        return "changed"

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
        all_topics = tuple(dict.fromkeys((*topics, *loser.consent)))
        if not self.merging.merge_profiles(loser, tombstone, winner, after, all_topics):
            return ""
        self.finish(tombstone, event, now)
        return "merged"

    def finish(self, loser: Profile, event: Event, now: datetime) -> None:
        """Do the consequences of a merge; after a crash, all of them again."""
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
            shared, place = self.merging.copy_timeline(loser, place)
            for each in shared:
                if not is_system_event(each):
                    self.timeline.append(
                        loser.merged_into, duplicate_corrected_event(each, loser.contact)
                    )
            more = bool(place)
        self.timeline.append(loser.merged_into, merge_completed_event(event, loser.contact))
        self.merging.finish_merge(loser)

    def is_late(self, loser: Profile, position: int) -> bool:
        """Whether an event reached a contact after its merge."""
        if position > loser.last_sequence and loser.merging:
            raise ThrottledError("the contact is being merged into another")
        return position > loser.last_sequence

    def forward_event(self, loser: Profile, event: Event, again: ReplayedEvent | None) -> str:
        """Forward a late event to the winner, where it counts once.

        If the winner was merged too, it forwards the event itself, because only each contact knows
        which of its events have been counted.
        """
        winner = loser.merged_into
        for kind, value in claimable_identifiers(event).items():
            self.contacts.repoint_identity(event.store, kind, value, loser.contact, winner)
        if again is not None:
            self.merging.replay(winner, event, again)
        elif not self.timeline.append(winner, event) and self.merging.undo_double_count(
            winner, event, loser.contact
        ):
            # It was copied before it was applied, or corrected as a duplicate.
            self.merging.replay(winner, event, ReplayedEvent(loser.contact))
        return winner

    def owner_of(self, profile: Profile, event: Event) -> str:
        """The contact to which a misrouted event belongs; empty if it belongs to this one."""
        if not is_misrouted(profile.contact, profile.known_identifiers, event):
            return ""
        names = {
            kind: value
            for kind, value in personal_identifiers(claimable_identifiers(event)).items()
            if value not in profile.known_identifiers.get(kind, ())
        }
        (owner,) = self.timeline.resolve(event.store, [names])
        return "" if owner == profile.contact else owner
