"""Each contact's way through each workflow, and the machines that take it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from milepost.base.refs import EnrollmentRef
    from milepost.contacts.event import Event
    from milepost.contacts.profile import Profile
    from milepost.enrollments.enrollment import Enrollment, ResumePoint, Status


@dataclass(frozen=True, slots=True)
class PendingOutcomes:
    """What a block has found out but not yet written down; `entries` belong to `began`."""

    began: Mapping[str, datetime] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)


class Enrollments(Protocol):
    """Keeps each contact's way through each workflow."""

    def enroll(self, enrollment: Enrollment) -> bool:
        """Keep a new enrollment; False if it exists."""

    def load(self, ref: EnrollmentRef) -> tuple[Profile, Enrollment] | None: ...

    def write(self, ref: EnrollmentRef, journal: PendingOutcomes, leg: int | None = None) -> None:
        """Write a journal down; raises `Busy` if the enrollment is in another leg than the one
        that is given."""

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        leg: int | None = None,
    ) -> bool:
        """End an active enrollment and note it on the contact; False if it had ended before, or if
        it is in another leg than the one that is given."""

    def current_execution(self, ref: EnrollmentRef) -> int:
        """Which of its executions an enrollment is in; 0 if there is no such enrollment."""

    def suspend(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        journal: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        """End a leg of an active enrollment and set the time of the next one, together with what
        the journal holds; False, and nothing changes, if the leg has ended before. One that is
        `paused` is not due, but among those who wait for their workflow."""

    def reschedule(
        self, ref: EnrollmentRef, leg: int, start: ResumePoint, paused: bool = False
    ) -> bool:
        """Change how a leg that has not begun begins; False if it has, or never will."""

    def migrate(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        version: int,
        unless: str = "",
        paused: bool = False,
    ) -> bool:
        """End a leg and go on in another version, as `suspend` does; False if the leg has ended or
        its next turn has begun, or if there is an outcome of the name `unless` by now."""

    def index_migrated(self, ref: EnrollmentRef, version: int) -> None:
        """Note on the contact which version an enrollment is of, if it is still inside."""

    def list_active(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        """The active enrollments of a workflow, each with its place in an order; after a place."""

    def mark_started(self, ref: EnrollmentRef, leg: int) -> None:
        """A leg has begun, or never will: its time is no longer waited for."""

    def record_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | int | None:
        """Lay the event's half of a rendezvous down; the task token if the wait was there first,
        or the number of the leg if the wait is a parked one."""

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
        """Lay the wait's half down; True if an event since then was there first.

        What the wait comes to is kept under `outcome`, or under the step's id if that is empty.
        The half of a later leg stays.
        """

    def register_suspended_wait(
        self, ref: EnrollmentRef, step: str, event: str, leg: int, start: ResumePoint, outcome: str
    ) -> bool:
        """Lay the half of a parked wait down, as `register_wait` does; it lasts as long as it."""


class ExecutionEngine(Protocol):
    """Runs state machines."""

    def start(
        self, machine: str, ref: EnrollmentRef, leg: int = 0, turn: int = 0, block: str = ""
    ) -> None:
        """Start a leg of an enrollment, a later one at a block; harmless if it runs or ran."""

    def stop(self, ref: EnrollmentRef, reason: str, leg: int = 0) -> None:
        """Stop a leg of an enrollment; harmless if it does not run."""

    def complete_task(self, token: str) -> None:
        """Wake a wait; harmless if it was decided otherwise."""
