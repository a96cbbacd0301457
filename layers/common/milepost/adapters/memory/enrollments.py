"""Enrollments, and the rendezvous of a wait with its event."""

from dataclasses import dataclass, replace
from datetime import datetime

from milepost.adapters.memory.state import Rendezvous, State, enrollment_key, milliseconds
from milepost.domain import instants
from milepost.domain.contacts import Profile
from milepost.domain.enrollments import Enrollment, Status
from milepost.domain.events import Event
from milepost.domain.refs import EnrollmentRef
from milepost.ports import Journal


@dataclass(frozen=True, slots=True)
class MemoryEnrollments:
    """Implements `Enrollments`."""

    state: State

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
            held = self.state.enrollments.get(enrollment_key(ref))
            if held is None:
                return None
            return self.state.profile(ref.store, ref.contact), held

    def write(self, ref: EnrollmentRef, journal: Journal) -> None:
        with self.state.lock:
            write_journal(self.state, ref, journal)

    def finish(self, ref: EnrollmentRef, status: Status, reason: str, at: datetime) -> bool:
        key = enrollment_key(ref)
        with self.state.lock:
            held = self.state.enrollments.get(key)
            first = held is not None and held.status == "active"
            if held is not None and first:
                self.state.enrollments[key] = replace(held, status=status, reason=reason)
            profile = self.state.profile(ref.store, ref.contact)
            inside = {id_: p for id_, p in profile.inside.items() if id_ != ref.id}
            self.state.profiles[ref.store, ref.contact] = replace(profile, inside=inside)
        return first

    def offer_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | None:
        with self.state.lock:
            wait = self._wait(ref, step)
            if wait.event is None or wait.event.occurred_at < event.occurred_at:
                wait.event = event
            if wait.token is None or wait.since is None or wait.since > event.occurred_at:
                return None
            self._met(ref, step, event)
            return wait.token

    def offer_token(
        self, ref: EnrollmentRef, step: str, event: str, token: str, since: datetime
    ) -> bool:
        with self.state.lock:
            wait = self._wait(ref, step)
            wait.token, wait.since = token, milliseconds(since)
            if wait.event is None or wait.event.occurred_at < wait.since:
                return False
            self._met(ref, step, wait.event)
            return True

    def _wait(self, ref: EnrollmentRef, step: str) -> Rendezvous:
        return self.state.waits.setdefault((enrollment_key(ref), step), Rendezvous())

    def _met(self, ref: EnrollmentRef, step: str, event: Event) -> None:
        outcome = {
            "event": event.name,
            "at": instants.show(event.occurred_at),
            "data": dict(event.data),
        }
        write_journal(self.state, ref, Journal(outcomes={step: outcome}))


def write_journal(state: State, ref: EnrollmentRef, journal: Journal) -> None:
    """Write down what is new; what an earlier run wrote down stays. The caller holds the lock."""
    key = enrollment_key(ref)
    if journal.began or journal.outcomes:
        held = state.enrollments[key]
        began = {entry: milliseconds(at) for entry, at in journal.began.items()}
        state.enrollments[key] = replace(
            held,
            began={**began, **held.began},
            outcomes={**journal.outcomes, **held.outcomes},
        )
