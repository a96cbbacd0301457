"""Apply one event of a timeline: change the contact; resume, end and start enrollments.

Safe to repeat after a crash at any line. The profile stores the last applied sequence number and
the active enrollments. It is written after what must happen before (ends, resumed waits), and
before its consequences (new enrollments and their executions), which a repeated record only
repeats without effect.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.event import (
    Event,
    drop_identifiers,
    is_merge_request,
    is_misrouted,
    is_system_event,
)
from milepost.contacts.event_names import DUPLICATE_CORRECTED
from milepost.contacts.profile import ActiveEnrollment, Profile, apply_event
from milepost.enrollments.condition_data import ContextLoader
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.entry import (
    EntryAccepted,
    EntryDenied,
    decide_entry,
    emitted_by,
    enrollment_key,
    is_targeted,
    matching_exit,
    trigger_matches,
)
from milepost.enrollments.program import Node, Program, waits_for
from milepost.enrollments.trigger_types import is_targeted_event, prune_fired
from milepost.enrollments.version_migration import changed_date_fields, is_rescheduled_by
from milepost.runtime.execution_starter import ExecutionStarter, reschedule_for_date
from milepost.runtime.merging.merge import ContactMerger
from milepost.runtime.merging.rules import correct_totals
from milepost.segments.evaluator import SegmentEvaluator, next_check_at

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, ReplayedEvent
    from milepost.enrollments.ports import Enrollments, ExecutionEngine
    from milepost.published.head import LiveWorkflow, Published, PublishedState
    from milepost.runtime.merging.ports import Merging


ATTEMPTS = 5
"""Attempts to change a profile that another writer changes at the same time."""


class AppliedEvent(NamedTuple):
    """The effects of one event, for the log."""

    applied: bool = False
    ended: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    forwarded: str = ""


@dataclass(frozen=True, slots=True)
class EventApplier:
    """Applies events to contacts."""

    contacts: "Contacts"
    enrollments: "Enrollments"
    registry: "Published"
    engine: "ExecutionEngine"
    facts: ContextLoader
    merging: "Merging"
    segmenter: SegmentEvaluator

    @property
    def merger(self) -> ContactMerger:
        return ContactMerger(
            self.contacts, self.facts.timeline, self.enrollments, self.engine, self.merging
        )

    def apply(
        self,
        contact: str,
        event: Event,
        position: int,
        now: datetime,
        again: "ReplayedEvent | None" = None,
    ) -> AppliedEvent:
        """Apply one record of the stream; `position` is its sequence number.

        `again` is the reason why an event that the timeline already had is replayed.
        """
        head = self._head(event)
        for _ in range(ATTEMPTS):
            before = self.contacts.get_even_if_merged(event.store, contact)
            if before is not None and before.merged_into:
                return self._after_merge(before, event, position, now, again)
            if before is not None and (
                before.last_sequence >= position or (again and again.follow)
            ):
                done = again.follow if again and again.follow else position
                return self._finish(before, event, done, now)
            if self._is_erased(before, contact, event):
                self.contacts.delete_event(contact, event)
                return AppliedEvent()
            if (
                before is not None
                and is_misrouted(before.contact, before.known_identifiers, event)
                and (owner := self.merger.owner_of(before, event))
            ):
                after = replace(before, last_sequence=position, misrouted=(position, owner))
                if self.merging.move_misrouted(before, after, event):
                    return self._finish(after, event, position, now)
                continue
            if is_merge_request(event):
                topics = head.settings.topics or ()
                if self.merger.handle_request(before, contact, event, position, now, topics):
                    return AppliedEvent(True)
                continue
            reaction, after = self._change(before, contact, event, position, now, head)
            if self.contacts.apply(before, after):
                self._begin(after, event, now)
                return reaction
        raise ThrottledError(f"the contact changed {ATTEMPTS} times while one event was applied")

    def _head(self, event: Event) -> "PublishedState":
        """The published state, read again if it lacks the workflow that the event addresses."""
        head = self.registry.head(event.store)
        if not is_targeted_event(event.name):
            return head
        known = any(
            live.status == "live" and is_targeted(name, live.trigger, event)
            for name, live in head.workflows.items()
        )
        if known and not head.settings.paused:
            return head
        return self.registry.head(event.store, anew=True)

    def _is_erased(self, before: Profile | None, contact: str, event: Event) -> bool:
        """Whether an event is older than the erasure of its contact.

        Such an event may arrive late. Only contacts without a profile are checked, so that other
        events cost no additional read.
        """
        if before is not None and before.last_sequence:
            return False
        erased = self.contacts.erased(event.store, contact)
        return erased is not None and event.occurred_at <= erased

    def _finish(self, after: Profile, event: Event, position: int, now: datetime) -> AppliedEvent:
        """Do the consequences of an applied event."""
        if after.misrouted[0] == position:
            self.facts.timeline.append(after.misrouted[1], event)
            return AppliedEvent(forwarded=after.misrouted[1])
        self._begin(after, event, now)
        return AppliedEvent()

    def _after_merge(
        self,
        gone: Profile,
        event: Event,
        position: int,
        now: datetime,
        again: "ReplayedEvent | None",
    ) -> AppliedEvent:
        """The contact was merged: finish the merge, or forward a later event."""
        if self.merger.is_late(gone, position):
            return AppliedEvent(forwarded=self.merger.forward_event(gone, event, again))
        if gone.merging and position == gone.last_sequence:
            self.merger.finish(gone, event, now)
        return AppliedEvent()

    def _change(
        self,
        before: Profile | None,
        contact: str,
        event: Event,
        position: int,
        now: datetime,
        head: "PublishedState",
    ) -> tuple[AppliedEvent, Profile]:
        elsewhere = self.contacts.claim_identifiers(contact, event)
        if elsewhere:
            self.merger.request_merge(contact, event, elsewhere)
        if event.contact.consents:
            self.contacts.record_consent(contact, event, head.settings.shop_topics)
        profile = before or Profile(event.store, contact)
        if is_system_event(event):
            noted = correct_totals(profile, event) if event.name == DUPLICATE_CORRECTED else profile
            if not is_merge_request(event):  # the merged contact may match other segments
                noted = self.segmenter.score(noted, None, head, now)
                noted = self.segmenter.update(None, noted, event, head, now)
            return AppliedEvent(True), replace(
                noted, last_sequence=position, **_ahead(noted, head, now, event)
            )
        profile = apply_event(profile, drop_identifiers(event, elsewhere.keys()), head.settings)
        profile = self.segmenter.score(profile, event, head, now)
        inside = dict(profile.active_enrollments)
        entries = dict(profile.entries)
        ended = tuple(self._end(profile, event, now))
        for id_ in ended:
            del inside[id_]
        resumed = tuple(self._resume(replace(profile, active_enrollments=inside), event, now))
        profile = replace(profile, active_enrollments=dict(inside))
        profile = self.segmenter.update(before, profile, event, head, now)
        entered, refused = [], []
        for live, program in self._triggered(head, before, profile, event, now):
            current = replace(profile, active_enrollments=inside)
            decision = self._decide_entry(program, current, event, now)
            if isinstance(decision, EntryDenied):
                refused.append((program.workflow, decision.reason))
            else:
                enrollment = replace(decision.enrollment, state_machine_arn=live.machine)
                if self.enrollments.load(enrollment.ref) is not None:
                    refused.append((program.workflow, "was enrolled for this key before"))
                    continue
                entered.append(enrollment.ref.id)
                inside[enrollment.ref.id] = enrollment.presence()
                entries[enrollment.ref.workflow] = now
        profile = replace(
            profile, active_enrollments=inside, entries=entries, last_sequence=position
        )
        new = {inside[id_].workflow for id_ in entered}
        profile = self.segmenter.after_entering(profile, new, event, head, now)
        after = replace(profile, **_ahead(profile, head, now, event))
        return AppliedEvent(True, ended, resumed, tuple(entered), tuple(refused)), after

    def _end(self, profile: Profile, event: Event, now: datetime) -> Iterator[str]:
        for ref, presence, program in self._inside(profile):
            reason = matching_exit(program, event, presence.since)
            if reason:
                self.enrollments.finish(ref, "exited", reason, now)
                self.engine.stop(ref, reason, self.enrollments.current_execution(ref))
                yield ref.id

    def _resume(self, profile: Profile, event: Event, now: datetime) -> Iterator[str]:
        for ref, _, program in self._inside(profile):
            if event.source == "email" and event.data.get("enrollment") != ref.id:
                continue  # a click counts for the enrollment that sent the e-mail
            if emitted_by(event.data).get("enrollment") == ref.id:
                continue  # an enrollment does not wait for its own events
            for node in waits_for(program, event.name):
                if not _matches_where(node, event, profile):
                    continue
                token = self.enrollments.record_event(ref, node["id"], event)
                if token is None:
                    continue
                if isinstance(token, str):
                    self.engine.complete_task(token)
                else:
                    starter = ExecutionStarter(
                        self.enrollments, self.registry, self.engine, lambda: now
                    )
                    starter.resume(ref, token, node["id"])
                yield ref.id

    def _inside(
        self, profile: Profile
    ) -> Iterator[tuple[EnrollmentRef, ActiveEnrollment, Program]]:
        for id_, presence in profile.active_enrollments.items():
            ref = presence.ref(profile.store, profile.contact, id_)
            yield ref, presence, self.registry.program(ref.store, ref.workflow, ref.version)

    def _triggered(
        self,
        head: "PublishedState",
        before: Profile | None,
        after: Profile,
        event: Event,
        now: datetime,
    ) -> Iterator[tuple["LiveWorkflow", Program]]:
        """The workflows whose trigger matches, before or after the score has decayed."""
        if head.settings.paused:
            return
        decayed = self.segmenter.score(before, None, head, now) if before else None
        states = [before] if decayed is before else [before, decayed]
        for name, live in sorted(head.workflows.items()):
            if live.status == "live" and any(
                trigger_matches(name, live.trigger, state, after, event) for state in states
            ):
                yield live, self.registry.program(event.store, name, live.version)

    def _decide_entry(
        self, program: Program, profile: Profile, event: Event, now: datetime
    ) -> EntryAccepted | EntryDenied:
        trigger = program.options["trigger"]
        conditions = [c for c in (trigger.get("where"), program.options.get("audience")) if c]
        context = self.facts.load(conditions, profile, event.data, now, event.occurred_at)
        return decide_entry(program, profile, event, context, now)

    def _reschedule(self, profile: Profile, event: Event, now: datetime) -> None:
        """Reschedule the waits whose date this event has moved."""
        changed = changed_date_fields(event)
        if changed:
            for ref, _, program in self._inside(profile):
                if any(is_rescheduled_by(node, changed) for node in program.nodes.values()):
                    reschedule_for_date(self.enrollments, self.registry, ref, now)

    def _begin(self, profile: Profile, event: Event, now: datetime) -> None:
        """Store and start the enrollments that the profile lists for this event."""
        self.segmenter.publish_changes(profile, event)
        for id_, presence in profile.active_enrollments.items():
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
                    key=enrollment_key(program, event) or "",
                    state_machine_arn=presence.machine,
                )
            )
            self.engine.start(presence.machine, ref)
        self._reschedule(profile, event, now)


def _ahead(profile: Profile, head: "PublishedState", now: datetime, event: Event) -> dict[str, Any]:
    """The fired time triggers and the next check of a profile."""
    fired = prune_fired(profile.fired, head.time_triggers(), now)
    return {"fired": fired, "next_check": next_check_at(profile, head, now, event)}


def _matches_where(node: Node, event: Event, profile: Profile) -> bool:
    where = node.get("where")
    if where is None:
        return True
    context = EvaluationContext(now=event.occurred_at, contact=profile.as_data(), event=event.data)
    return evaluate(where, context).value
