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

from milepost.base.errors import Busy
from milepost.contacts.event import Event, IdentifierKind
from milepost.contacts.identity import astray, claims, names_of
from milepost.contacts.ports import Again
from milepost.contacts.profile import LASTING_KINDS, Profile
from milepost.runtime.merging.rules import (
    ALREADY_INSIDE,
    Ask,
    asked,
    asking,
    asking_back,
    claimed,
    clashing,
    counted_twice,
    decide,
    merge,
    ours,
    told,
)

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.enrollments.ports import Engine, Enrollments
    from milepost.runtime.merging.ports import Merging


Fate = Literal["", "changed", "merged", "handed on"]
"""What became of an event that asks or comes astray; empty if the contact changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Merger:
    """Makes one contact of two, on behalf of `react`."""

    contacts: "Contacts"
    timeline: "Timeline"
    enrollments: "Enrollments"
    engine: "Engine"
    merging: "Merging"

    def ask(self, contact: str, event: Event, elsewhere: Mapping[IdentifierKind, str]) -> None:
        """Ask those to merge whom an event's identifiers lead to. Repeating it asks nothing new."""
        for kind, other in elsewhere.items():
            self.timeline.append(other, asking(contact, event, kind))

    def answer(
        self,
        held: Profile | None,
        contact: str,
        event: Event,
        position: int,
        now: datetime,
        topics: Iterable[str],
    ) -> Fate:
        """What comes of being asked."""
        ask = asked(event)
        own = held or Profile(event.store, contact)
        other = self.contacts.profile(event.store, ask.into) or Profile(event.store, ask.into)
        if other.contact == contact:
            # We are one by now. What the other's event said of the person is still to be noted.
            return "changed" if self._note(held, claimed(own, ask), position) else ""
        verdict = decide(own, other, ask)
        if verdict == "merge":
            return self._merge(own, other, event, ask, position, now, topics)
        if verdict == "the other way":
            self.timeline.append(other.contact, asking_back(event, contact))
        elif verdict == "lead":
            self.contacts.lead(event.store, ask.kind, ask.value, contact, other.contact)
        return "changed"

    def _note(self, held: Profile | None, after: Profile, position: int) -> bool:
        return self.contacts.apply(held, replace(after, applied=position))

    def _merge(
        self,
        loser: Profile,
        winner: Profile,
        event: Event,
        ask: Ask,
        position: int,
        now: datetime,
        topics: Iterable[str],
    ) -> Fate:
        stays = self.merging.reserve(loser.store, loser.contact, winner.contact)
        ends = clashing(winner, loser, stays)
        after = replace(claimed(merge(winner, loser, ends), ask), moved=winner.moved + 1)
        tombstone = Profile(
            loser.store,
            loser.contact,
            inside={id_: loser.inside[id_] for id_ in ends},
            known=loser.known,
            applied=position,
            merged_into=winner.contact,
            merging=True,
        )
        asked_of = tuple(dict.fromkeys((*topics, *loser.consent)))
        if not self.merging.unite(loser, tombstone, winner, after, asked_of):
            return ""
        self.finish(tombstone, event, now)
        return "merged"

    def finish(self, loser: Profile, event: Event, now: datetime) -> None:
        """Do what follows from a merge; all of it again after a crash."""
        for id_, presence in loser.inside.items():
            ref = presence.ref(loser.store, loser.contact, id_)
            self.enrollments.finish(ref, "exited", ALREADY_INSIDE, now)
            self.engine.stop(ref, ALREADY_INSIDE, self.enrollments.leg(ref))
        for kind in LASTING_KINDS:
            for value in loser.known.get(kind, ()):
                self.contacts.lead(loser.store, kind, value, loser.contact, loser.merged_into)
        place, more = "", True
        while more:
            met, place = self.merging.carry(loser, place)
            for twice in met:
                if not ours(twice):
                    self.timeline.append(loser.merged_into, counted_twice(twice, loser.contact))
            more = bool(place)
        self.timeline.append(loser.merged_into, told(event, loser.contact))
        self.merging.settle(loser)

    def late(self, loser: Profile, position: int) -> bool:
        """Whether an event came to a contact after it had been merged away."""
        if position > loser.applied and loser.merging:
            raise Busy("the contact is being merged into another")
        return position > loser.applied

    def hand_on(self, loser: Profile, event: Event, again: Again | None) -> str:
        """Give a late event to whoever the contact has become; it counts there, once.

        If that one has been merged away too, it hands it on itself: which of its events have been
        counted is known to each contact of its own alone.
        """
        there = loser.merged_into
        for kind, value in claims(event).items():
            self.contacts.lead(event.store, kind, value, loser.contact, there)
        if again is not None:
            self.merging.apply_again(there, event, again)
        elif not self.timeline.append(there, event) and self.merging.uncounted(
            there, event, loser.contact
        ):
            # It was copied with the rest before its turn came, or taken for a second report.
            self.merging.apply_again(there, event, Again(loser.contact))
        return there

    def whose(self, held: Profile, event: Event) -> str:
        """The contact of an event that a shared device led astray; empty if it is this one's."""
        if not astray(held.contact, held.known, event):
            return ""
        names = {
            kind: value
            for kind, value in names_of(claims(event)).items()
            if value not in held.known.get(kind, ())
        }
        (there,) = self.timeline.resolve(event.store, [names])
        return "" if there == held.contact else there
