"""Enrollments, and the rendezvous of a wait with its event."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from milepost.base import instants
from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, ResumePoint, Status
from milepost.enrollments.ports import PendingOutcomes
from milepost.runtime.merging.rules import MERGED_INTO_OTHER
from milepost.simulator.memory.state import (
    ContactsTable,
    Timer,
    WaitMatch,
    enrollment_key,
    milliseconds,
)


@dataclass(frozen=True, slots=True)
class MemoryEnrollments:
    """Implements `Enrollments`."""

    state: ContactsTable

    def enroll(self, enrollment: Enrollment) -> bool:
        key = enrollment_key(enrollment.ref)
        with self.state.lock:
            if key in self.state.enrollments:
                return False
            self.state.enrollments[key] = replace(
                enrollment,
                since=milliseconds(enrollment.since),
                entered_at=milliseconds(enrollment.entered_at),
            )
        return True

    def load(self, ref: EnrollmentRef) -> tuple[Profile, Enrollment] | None:
        with self.state.lock:
            held = self.state.enrollments.get(enrollment_key(ref)) or self._reserved(ref)
            if held is None:
                return None
            profile = self.state.owner(ref.store, ref.contact)
            return profile or Profile(ref.store, ref.contact), held

    def _reserved(self, ref: EnrollmentRef) -> Enrollment | None:
        """What a contact was enrolled for while it was another one."""
        home = self.state.reserved.get(enrollment_key(ref))
        held = self.state.enrollments.get(enrollment_key(home)) if home else None
        return replace(held, ref=ref, status="exited", reason=MERGED_INTO_OTHER) if held else None

    def write(self, ref: EnrollmentRef, journal: PendingOutcomes, leg: int | None = None) -> None:
        with self.state.lock:
            held = self.state.enrollments.get(enrollment_key(ref))
            if held is not None and leg not in (None, held.execution_no):
                raise ThrottledError("the enrollment goes on in another execution")
            write_journal(self.state, ref, journal)

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        leg: int | None = None,
    ) -> bool:
        key = enrollment_key(ref)
        with self.state.lock:
            held = self.state.enrollments.get(key)
            first = held is not None and held.status == "active"
            if first and held is not None and leg not in (None, held.execution_no):
                return False
            if held is not None and first:
                self.state.enrollments[key] = replace(
                    held, status=status, reason=reason, ended_at=milliseconds(at)
                )
                self.state.timers.pop(key, None)
            for profile in self._owners(ref):
                inside = {id_: p for id_, p in profile.active_enrollments.items() if id_ != ref.id}
                person = (profile.store, profile.contact)
                self.state.profiles[person] = replace(profile, active_enrollments=inside)
        return first

    def _owners(self, ref: EnrollmentRef) -> list[Profile]:
        """The contact under which an enrollment is kept, and whoever that was merged into."""
        found, contact = [], ref.contact
        while (profile := self.state.profiles.get((ref.store, contact))) is not None:
            found.append(profile)
            contact = profile.merged_into
        return found

    def current_execution(self, ref: EnrollmentRef) -> int:
        with self.state.lock:
            held = self.state.enrollments.get(enrollment_key(ref))
            return held.execution_no if held else 0

    def suspend(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        journal: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        with self.state.lock:
            held = self.state.enrollments.get(enrollment_key(ref))
            if held is None or held.status != "active" or held.execution_no != leg:
                return False
            write_journal(self.state, ref, journal)
            self._set(ref, leg + 1, start, paused)
        return True

    def reschedule(
        self, ref: EnrollmentRef, leg: int, start: ResumePoint, paused: bool = False
    ) -> bool:
        key = enrollment_key(ref)
        with self.state.lock:
            if key not in self.state.timers or self.state.enrollments[key].execution_no != leg:
                return False
            self._set(ref, leg, start, paused)
        return True

    def migrate(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        version: int,
        unless: str = "",
        paused: bool = False,
    ) -> bool:
        key = enrollment_key(ref)
        with self.state.lock:
            held = self.state.enrollments[key]
            if str(start.block_seq) in held.block_started or (unless and unless in held.outcomes):
                return False
            if not self.suspend(ref, leg, start, PendingOutcomes(), paused):
                return False
            held = self.state.enrollments[key]
            own = held.ref._replace(version=version)
            first = start.block_seq if version != ref.version else held.first_block_run
            self.state.enrollments[key] = replace(held, ref=own, first_block_run=first)
        return True

    def index_migrated(self, ref: EnrollmentRef, version: int) -> None:
        with self.state.lock:
            for profile in self._owners(ref):
                if ref.id in profile.active_enrollments:
                    own = profile.active_enrollments[ref.id]._replace(version=version)
                    inside = {**profile.active_enrollments, ref.id: own}
                    moved = replace(
                        profile, active_enrollments=inside, moved_events=profile.moved_events + 1
                    )
                    self.state.profiles[profile.store, profile.contact] = moved

    def list_active(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        with self.state.lock:
            held = list(self.state.enrollments.values())
        active = [e.ref for e in held if e.status == "active"]
        for ref in sorted(active, key=lambda ref: ref.id):
            if (ref.store, ref.workflow) == (store, workflow) and ref.id > after:
                yield ref.id, ref

    def mark_started(self, ref: EnrollmentRef, leg: int) -> None:
        key = enrollment_key(ref)
        with self.state.lock:
            if key in self.state.enrollments and self.state.enrollments[key].execution_no == leg:
                self.state.timers.pop(key, None)

    def _set(self, ref: EnrollmentRef, leg: int, start: ResumePoint, paused: bool) -> None:
        key = enrollment_key(ref)
        kept = start._replace(
            due=milliseconds(start.due),
            since=milliseconds(start.since),
            deferred_since=start.deferred_since and milliseconds(start.deferred_since),
        )
        self.state.enrollments[key] = replace(
            self.state.enrollments[key], execution_no=leg, resume_point=kept
        )
        self.state.timers[key] = Timer(kept.due, paused)

    def record_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | int | None:
        with self.state.lock:
            wait = self._wait(ref, step)
            if wait.event is None or wait.event.occurred_at < event.occurred_at:
                wait.event = event
            if wait.token is None or wait.since is None or wait.since > event.occurred_at:
                return None
            self._met(ref, wait.outcome, event)
            return wait.token or wait.leg

    def register_wait(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        token: str,
        since: datetime,
        outcome: str = "",
        leg: int = 0,
    ) -> bool:
        with self.state.lock:
            wait = self._wait(ref, step)
            if wait.leg > leg:
                return False
            wait.token, wait.since, wait.leg = token, milliseconds(since), leg
            wait.outcome = outcome or step
            if wait.event is None or wait.event.occurred_at < wait.since:
                return False
            self._met(ref, wait.outcome, wait.event)
            return True

    def register_suspended_wait(
        self, ref: EnrollmentRef, step: str, event: str, leg: int, start: ResumePoint, outcome: str
    ) -> bool:
        return self.register_wait(ref, step, event, "", start.since, outcome, leg)

    def _wait(self, ref: EnrollmentRef, step: str) -> WaitMatch:
        return self.state.waits.setdefault((enrollment_key(ref), step), WaitMatch())

    def _met(self, ref: EnrollmentRef, key: str, event: Event) -> None:
        outcome = {
            "event": event.name,
            "at": instants.format_instant(event.occurred_at),
            "data": dict(event.data),
        }
        write_journal(self.state, ref, PendingOutcomes(outcomes={key: outcome}))


def write_journal(state: ContactsTable, ref: EnrollmentRef, journal: PendingOutcomes) -> None:
    """Write down what is new; what an earlier run wrote down stays. The caller holds the lock."""
    key = enrollment_key(ref)
    if (journal.began or journal.outcomes) and key in state.enrollments:
        held = state.enrollments[key]
        began = {turn: milliseconds(at) for turn, at in journal.began.items()}
        entries = {turn: e for turn, e in journal.entries.items() if turn not in held.block_started}
        state.enrollments[key] = replace(
            held,
            block_started={**began, **held.block_started},
            outcomes={**journal.outcomes, **held.outcomes},
            block_entries={**held.block_entries, **entries},
        )
