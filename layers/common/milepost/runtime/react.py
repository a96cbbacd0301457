"""React: one event of a timeline changes the contact, wakes, ends and begins enrollments.

Safe to run again from the start after a crash at any line. The profile notes the last stream
position it is applied through, and which enrollments the contact is inside of. It is written after
everything that must have happened by then (ends, wakes), and before what follows from it (new
enrollments and their machines), which a repeated record does once more, harmlessly.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base.errors import Busy
from milepost.base.refs import EnrollmentRef
from milepost.conditions.context import Facts
from milepost.conditions.evaluate import evaluate
from milepost.contacts.event import Event
from milepost.contacts.event_names import COUNTED_TWICE
from milepost.contacts.identity import without
from milepost.contacts.profile import Presence, Profile, fold
from milepost.enrollments.condition_data import FactFinder
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.entry import (
    CALLS,
    Enter,
    Refuse,
    ended_by,
    fires,
    is_called,
    key_of,
    may_enter,
    origin,
)
from milepost.enrollments.program import Node, Program
from milepost.enrollments.time_triggers import planned
from milepost.enrollments.version_migration import moved_by, moves
from milepost.runtime.execution_starter import Legs, follow
from milepost.runtime.merging.merge import Merger
from milepost.runtime.merging.rules import asks, corrected, ours
from milepost.runtime.reevaluation import next_look
from milepost.segments.evaluator import Segmenter

if TYPE_CHECKING:
    from milepost.contacts.ports import Again, Contacts
    from milepost.enrollments.ports import Engine, Enrollments
    from milepost.published.head import Head, Live, Registry
    from milepost.runtime.merging.ports import Merging


ATTEMPTS = 5
"""Tries at changing a profile that somebody else changes at the same moment."""


class Reaction(NamedTuple):
    """What one event led to; for the log."""

    applied: bool = False
    ended: tuple[str, ...] = ()
    woken: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    handed_on: str = ""


@dataclass(frozen=True, slots=True)
class Reactor:
    """Applies events to contacts."""

    contacts: "Contacts"
    enrollments: "Enrollments"
    registry: "Registry"
    engine: "Engine"
    facts: FactFinder
    merging: "Merging"
    segmenter: Segmenter

    @property
    def merger(self) -> Merger:
        return Merger(
            self.contacts, self.facts.timeline, self.enrollments, self.engine, self.merging
        )

    def react(
        self,
        contact: str,
        event: Event,
        position: int,
        now: datetime,
        again: "Again | None" = None,
    ) -> Reaction:
        """Apply one record of the stream; `position` is its sequence number.

        `again` says why, if the timeline had the event before.
        """
        head = self._head(event)
        for _ in range(ATTEMPTS):
            before = self.contacts.held(event.store, contact)
            if before is not None and before.merged_into:
                return self._after_merge(before, event, position, now, again)
            if before is not None and (before.applied >= position or (again and again.follow)):
                done = again.follow if again and again.follow else position
                return self._finish(before, event, done, now)
            if self._is_erased(before, contact, event):
                self.contacts.forget(contact, event)
                return Reaction()
            if before is not None and (there := self.merger.whose(before, event)):
                after = replace(before, applied=position, astray=(position, there))
                if self.merging.part(before, after, event):
                    return self._finish(after, event, position, now)
                continue
            if asks(event):
                topics = head.settings.topics or ()
                if self.merger.answer(before, contact, event, position, now, topics):
                    return Reaction(True)
                continue
            reaction, after = self._change(before, contact, event, position, now, head)
            if self.contacts.apply(before, after):
                self._begin(after, event, now)
                return reaction
        raise Busy(f"the contact changed {ATTEMPTS} times while one event was applied")

    def _head(self, event: Event) -> "Head":
        """What is live. Whoever called for a workflow has seen it, so a head without it is old."""
        head = self.registry.head(event.store)
        if event.name not in CALLS:
            return head
        known = any(
            live.status == "live" and is_called(name, live.trigger, event)
            for name, live in head.workflows.items()
        )
        if known and not head.settings.paused:
            return head
        return self.registry.head(event.store, anew=True)

    def _is_erased(self, before: Profile | None, contact: str, event: Event) -> bool:
        """Whether an event is of the past of somebody who asked to be forgotten.

        It may have been on its way when that was done. Only a contact that nothing is known of is
        asked: for every other, an event costs no read more.
        """
        if before is not None and before.applied:
            return False
        erased = self.contacts.erased(event.store, contact)
        return erased is not None and event.occurred_at <= erased

    def _finish(self, after: Profile, event: Event, position: int, now: datetime) -> Reaction:
        """Do what follows from an event that has been applied."""
        if after.astray[0] == position:
            # It has left this timeline, which is another person's.
            self.facts.timeline.append(after.astray[1], event)
            return Reaction(handed_on=after.astray[1])
        self._begin(after, event, now)
        return Reaction()

    def _after_merge(
        self, gone: Profile, event: Event, position: int, now: datetime, again: "Again | None"
    ) -> Reaction:
        """The contact has become another: finish that, or hand over what came since."""
        if self.merger.late(gone, position):
            return Reaction(handed_on=self.merger.hand_on(gone, event, again))
        if gone.merging and position == gone.applied:
            self.merger.finish(gone, event, now)
        return Reaction()

    def _change(
        self,
        before: Profile | None,
        contact: str,
        event: Event,
        position: int,
        now: datetime,
        head: "Head",
    ) -> tuple[Reaction, Profile]:
        elsewhere = self.contacts.link(contact, event)
        self.merger.ask(contact, event, elsewhere)
        if event.contact.consents:
            self.contacts.record_consent(contact, event, head.settings.shop_topics)
        profile = before or Profile(event.store, contact)
        if ours(event):
            noted = corrected(profile, event) if event.name == COUNTED_TWICE else profile
            if not asks(event):  # two lives are one: whatever is asked of it may be answered anew
                noted = self.segmenter.score(noted, None, head, now)
                noted = self.segmenter.update(None, noted, event, head, now)
            return Reaction(True), replace(
                noted, applied=position, **_ahead(noted, head, now, event)
            )
        profile = fold(profile, without(event, elsewhere.keys()), head.settings)
        profile = self.segmenter.score(profile, event, head, now)
        inside = dict(profile.inside)
        entries = dict(profile.entries)
        ended = tuple(self._end(profile, event, now))
        for id_ in ended:
            del inside[id_]
        woken = tuple(self._wake(replace(profile, inside=inside), event, now))
        profile = replace(profile, inside=dict(inside))
        profile = self.segmenter.update(before, profile, event, head, now)
        entered, refused = [], []
        for live, program in self._fired(head, before, profile, event, now):
            here = replace(profile, inside=inside)
            decision = self._may_enter(program, here, event, now)
            if isinstance(decision, Refuse):
                refused.append((program.workflow, decision.reason))
            else:
                enrollment = replace(decision.enrollment, machine=live.machine)
                if self.enrollments.load(enrollment.ref) is not None:
                    refused.append((program.workflow, "was enrolled for this key before"))
                    continue
                entered.append(enrollment.ref.id)
                inside[enrollment.ref.id] = enrollment.presence()
                entries[enrollment.ref.workflow] = now
        profile = replace(profile, inside=inside, entries=entries, applied=position)
        new = {inside[id_].workflow for id_ in entered}
        profile = self.segmenter.after_entering(profile, new, event, head, now)
        after = replace(profile, **_ahead(profile, head, now, event))
        return Reaction(True, ended, woken, tuple(entered), tuple(refused)), after

    def _end(self, profile: Profile, event: Event, now: datetime) -> Iterator[str]:
        for ref, presence, program in self._inside(profile):
            reason = ended_by(program, event, presence.since)
            if reason:
                self.enrollments.finish(ref, "exited", reason, now)
                self.engine.stop(ref, reason, self.enrollments.leg(ref))
                yield ref.id

    def _wake(self, profile: Profile, event: Event, now: datetime) -> Iterator[str]:
        for ref, _, program in self._inside(profile):
            if event.source == "email" and event.data.get("enrollment") != ref.id:
                continue  # a click belongs to the enrollment that sent the mail
            if origin(event.data).get("enrollment") == ref.id:
                continue  # nobody waits for what they report themselves
            for node in program.waits_for(event.name):
                if not _meant(node, event, profile):
                    continue
                token = self.enrollments.offer_event(ref, node["id"], event)
                if token is None:
                    continue
                if isinstance(token, str):
                    self.engine.answer(token)
                else:
                    legs = Legs(self.enrollments, self.registry, self.engine, lambda: now)
                    legs.wake(ref, token, node["id"])
                yield ref.id

    def _inside(self, profile: Profile) -> Iterator[tuple[EnrollmentRef, Presence, Program]]:
        for id_, presence in profile.inside.items():
            ref = presence.ref(profile.store, profile.contact, id_)
            yield ref, presence, self.registry.program(ref.store, ref.workflow, ref.version)

    def _fired(
        self, head: "Head", before: Profile | None, after: Profile, event: Event, now: datetime
    ) -> Iterator[tuple["Live", Program]]:
        """The workflows that the event lets in; only theirs are read."""
        if head.settings.paused:
            return
        faded = self.segmenter.score(before, None, head, now) if before else None
        for name, live in sorted(head.workflows.items()):
            if live.status == "live" and (
                fires(name, live.trigger, before, after, event)
                or (faded is not before and fires(name, live.trigger, faded, after, event))
            ):
                yield live, self.registry.program(event.store, name, live.version)

    def _may_enter(
        self, program: Program, profile: Profile, event: Event, now: datetime
    ) -> Enter | Refuse:
        trigger = program.head["trigger"]
        asked = [c for c in (trigger.get("where"), program.head.get("audience")) if c]
        facts = self.facts.gather(asked, profile, event.data, now, event.occurred_at)
        return may_enter(program, profile, event, facts, now)

    def _follow(self, profile: Profile, event: Event, now: datetime) -> None:
        """Have those who wait for a date that this event has moved wait for the new one."""
        said = moved_by(event)
        if said:
            for ref, _, program in self._inside(profile):
                if any(moves(node, said) for node in program.nodes.values()):
                    follow(self.enrollments, self.registry, ref, now)

    def _begin(self, profile: Profile, event: Event, now: datetime) -> None:
        """Write down and start what this event began; the profile says what that is."""
        self.segmenter.settle(profile, event)
        for id_, presence in profile.inside.items():
            if presence.event != event.id:
                continue
            ref = presence.ref(profile.store, profile.contact, id_)
            program = self.registry.program(ref.store, ref.workflow, ref.version)
            self.enrollments.enroll(
                Enrollment(
                    ref=ref,
                    event_id=event.id,
                    event_name=event.name,
                    event_data=event.data,
                    since=presence.since,
                    entered_at=now,
                    key=key_of(program, event) or "",
                    machine=presence.machine,
                )
            )
            self.engine.start(presence.machine, ref)
        self._follow(profile, event, now)


def _ahead(profile: Profile, head: "Head", now: datetime, event: Event) -> dict[str, Any]:
    """What the profile notes of the things that come by themselves."""
    reached = planned(profile.reached, head.plans(), now)
    return {"reached": reached, "lookout": next_look(profile, head, now, event)}


def _meant(node: Node, event: Event, profile: Profile) -> bool:
    where = node.get("where")
    if where is None:
        return True
    facts = Facts(now=event.occurred_at, contact=profile.as_data(), event=event.data)
    return evaluate(where, facts).value
