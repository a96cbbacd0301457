"""Enrollments in memory, and the matching of waits with events."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from milepost.base import times
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
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
            stored = self.state.enrollments.get(enrollment_key(ref)) or self._reserved(ref)
            if stored is None:
                return None
            profile = self.state.owner(ref.store, ref.contact)
            return profile or Profile(ref.store, ref.contact), stored

    def _reserved(self, ref: EnrollmentRef) -> Enrollment | None:
        """The enrollment that the contact had before it was merged."""
        original = self.state.reserved.get(enrollment_key(ref))
        stored = self.state.enrollments.get(enrollment_key(original)) if original else None
        return (
            replace(stored, ref=ref, status="exited", reason=MERGED_INTO_OTHER) if stored else None
        )

    def write(
        self, ref: EnrollmentRef, pending: PendingOutcomes, execution_no: int | None = None
    ) -> None:
        with self.state.lock:
            stored = self.state.enrollments.get(enrollment_key(ref))
            if stored is not None and execution_no not in (None, stored.execution_no):
                raise ThrottledError("the enrollment continues in another execution")
            save_outcomes(self.state, ref, pending)

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        execution_no: int | None = None,
    ) -> bool:
        key = enrollment_key(ref)
        with self.state.lock:
            stored = self.state.enrollments.get(key)
            first = stored is not None and stored.status == "active"
            if first and stored is not None and execution_no not in (None, stored.execution_no):
                return False
            if stored is not None and first:
                self.state.enrollments[key] = replace(
                    stored, status=status, reason=reason, ended_at=milliseconds(at)
                )
                self.state.timers.pop(key, None)
            for profile in self._owners(ref):
                inside = {id_: p for id_, p in profile.active_enrollments.items() if id_ != ref.id}
                person = (profile.store, profile.contact)
                self.state.profiles[person] = replace(profile, active_enrollments=inside)
        return first

    def _owners(self, ref: EnrollmentRef) -> list[Profile]:
        """The contact of an enrollment, and the contacts it was merged into."""
        found, contact = [], ref.contact
        while (profile := self.state.profiles.get((ref.store, contact))) is not None:
            found.append(profile)
            contact = profile.merged_into
        return found

    def current_execution(self, ref: EnrollmentRef) -> int:
        with self.state.lock:
            stored = self.state.enrollments.get(enrollment_key(ref))
            return stored.execution_no if stored else 0

    def suspend(
        self,
        ref: EnrollmentRef,
        execution_no: int,
        start: ResumePoint,
        pending: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        with self.state.lock:
            stored = self.state.enrollments.get(enrollment_key(ref))
            if stored is None or stored.status != "active" or stored.execution_no != execution_no:
                return False
            save_outcomes(self.state, ref, pending)
            self._set(ref, execution_no + 1, start, paused)
        return True

    def reschedule(
        self, ref: EnrollmentRef, execution_no: int, start: ResumePoint, paused: bool = False
    ) -> bool:
        key = enrollment_key(ref)
        with self.state.lock:
            if (
                key not in self.state.timers
                or self.state.enrollments[key].execution_no != execution_no
            ):
                return False
            self._set(ref, execution_no, start, paused)
        return True

    def migrate(
        self,
        ref: EnrollmentRef,
        execution_no: int,
        start: ResumePoint,
        version: int,
        unless: str = "",
        paused: bool = False,
    ) -> bool:
        key = enrollment_key(ref)
        with self.state.lock:
            stored = self.state.enrollments[key]
            if str(start.block_seq) in stored.block_started or (
                unless and unless in stored.outcomes
            ):
                return False
            if not self.suspend(ref, execution_no, start, PendingOutcomes(), paused):
                return False
            stored = self.state.enrollments[key]
            own = stored.ref._replace(version=version)
            first = start.block_seq if version != ref.version else stored.first_block_run
            self.state.enrollments[key] = replace(stored, ref=own, first_block_run=first)
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
            stored = list(self.state.enrollments.values())
        active = [e.ref for e in stored if e.status == "active"]
        for ref in sorted(active, key=lambda ref: ref.id):
            if (ref.store, ref.workflow) == (store, workflow) and ref.id > after:
                yield ref.id, ref

    def mark_started(self, ref: EnrollmentRef, execution_no: int) -> None:
        key = enrollment_key(ref)
        with self.state.lock:
            if (
                key in self.state.enrollments
                and self.state.enrollments[key].execution_no == execution_no
            ):
                self.state.timers.pop(key, None)

    def _set(self, ref: EnrollmentRef, execution_no: int, start: ResumePoint, paused: bool) -> None:
        key = enrollment_key(ref)
        kept = start._replace(
            due=milliseconds(start.due),
            since=milliseconds(start.since),
            deferred_since=start.deferred_since and milliseconds(start.deferred_since),
        )
        self.state.enrollments[key] = replace(
            self.state.enrollments[key], execution_no=execution_no, resume_point=kept
        )
        self.state.timers[key] = Timer(kept.due, paused)

    def record_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | int | None:
        with self.state.lock:
            wait = self._wait(ref, step)
            if wait.event is None or wait.event.occurred_at < event.occurred_at:
                wait.event = event
            if wait.token is None or wait.since is None or wait.since > event.occurred_at:
                return None
            self._match(ref, wait.outcome, event)
            return wait.token or wait.execution_no

    def register_wait(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        token: str,
        since: datetime,
        outcome: str = "",
        execution_no: int = 0,
    ) -> bool:
        with self.state.lock:
            wait = self._wait(ref, step)
            if wait.execution_no > execution_no:
                return False
            wait.token, wait.since, wait.execution_no = token, milliseconds(since), execution_no
            wait.outcome = outcome or step
            if wait.event is None or wait.event.occurred_at < wait.since:
                return False
            self._match(ref, wait.outcome, wait.event)
            return True

    def register_suspended_wait(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        execution_no: int,
        start: ResumePoint,
        outcome: str,
    ) -> bool:
        return self.register_wait(ref, step, event, "", start.since, outcome, execution_no)

    def _wait(self, ref: EnrollmentRef, step: str) -> WaitMatch:
        return self.state.waits.setdefault((enrollment_key(ref), step), WaitMatch())

    def _match(self, ref: EnrollmentRef, key: str, event: Event) -> None:
        outcome = {
            "event": event.name,
            "at": times.format_instant(event.occurred_at),
            "data": dict(event.data),
        }
        save_outcomes(self.state, ref, PendingOutcomes(outcomes={key: outcome}))


def save_outcomes(state: ContactsTable, ref: EnrollmentRef, pending: PendingOutcomes) -> None:
    """Save new outcomes; outcomes of an earlier run stay. The caller holds the lock."""
    key = enrollment_key(ref)
    if (pending.began or pending.outcomes) and key in state.enrollments:
        stored = state.enrollments[key]
        began = {block_seq: milliseconds(at) for block_seq, at in pending.began.items()}
        entries = {
            block_seq: e
            for block_seq, e in pending.entries.items()
            if block_seq not in stored.block_started
        }
        state.enrollments[key] = replace(
            stored,
            block_started={**began, **stored.block_started},
            outcomes={**pending.outcomes, **stored.outcomes},
            block_entries={**stored.block_entries, **entries},
        )
