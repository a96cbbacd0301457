"""Ports of enrollments: the store, and the engine that runs their executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from milepost.base.names import EnrollmentRef
    from milepost.contacts.event import Event
    from milepost.contacts.profile import Profile
    from milepost.enrollments.enrollment import Enrollment, ResumePoint, Status


@dataclass(frozen=True, slots=True)
class PendingOutcomes:
    """The unsaved results of a block run; `entries` names the blocks of `began`."""

    began: Mapping[str, datetime] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)


class Enrollments(Protocol):
    """Stores enrollments."""

    def enroll(self, enrollment: Enrollment) -> bool:
        """Store a new enrollment; False if it exists."""

    def load(self, ref: EnrollmentRef) -> tuple[Profile, Enrollment] | None: ...

    def write(
        self, ref: EnrollmentRef, pending: PendingOutcomes, execution_no: int | None = None
    ) -> None:
        """Save outcomes. Raises `ThrottledError` if the enrollment is in another execution than a
        given one."""

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        execution_no: int | None = None,
    ) -> bool:
        """End an active enrollment and remove it from the profile. False if it had ended before or
        is in another execution than a given one."""

    def current_execution(self, ref: EnrollmentRef) -> int:
        """The number of an enrollment's current execution; 0 if there is no such enrollment."""

    def suspend(
        self,
        ref: EnrollmentRef,
        execution_no: int,
        start: ResumePoint,
        pending: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        """End an execution of an active enrollment, schedule the next one and save the outcomes,
        in one write. False, and nothing changes, if the execution had ended before. A `paused`
        enrollment is not due; it waits for its workflow."""

    def reschedule(
        self, ref: EnrollmentRef, execution_no: int, start: ResumePoint, paused: bool = False
    ) -> bool:
        """Change the resume point of an execution that has not started; False if it has started
        or never will."""

    def migrate(
        self,
        ref: EnrollmentRef,
        execution_no: int,
        start: ResumePoint,
        version: int,
        unless: str = "",
        paused: bool = False,
    ) -> bool:
        """End an execution and continue in another version, as `suspend` does. False if the
        execution has ended, its next block run has started, or an outcome `unless` exists."""

    def index_migrated(self, ref: EnrollmentRef, version: int) -> None:
        """Set the version of an active enrollment on the profile."""

    def list_active(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        """The active enrollments of a workflow, each with its cursor, after a cursor."""

    def mark_started(self, ref: EnrollmentRef, execution_no: int) -> None:
        """Remove the timer of an execution that has started or never will."""

    def record_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | int | None:
        """Store an event for a wait. Returns the task token if the wait was registered first, or
        the execution number if that wait is suspended."""

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
        """Register a wait; True if an event at or after `since` was stored first.

        The outcome is stored under `outcome`, or under the step's id if that is empty. The wait of
        a later execution is not replaced.
        """

    def register_suspended_wait(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        execution_no: int,
        start: ResumePoint,
        outcome: str,
    ) -> bool:
        """Register a suspended wait, as `register_wait` does, until its due time."""


class ExecutionEngine(Protocol):
    """Runs state machines."""

    def start(
        self,
        machine: str,
        ref: EnrollmentRef,
        execution_no: int = 0,
        block_seq: int = 0,
        block: str = "",
    ) -> None:
        """Start an execution, a later one at a block; no effect if it was started before."""

    def stop(self, ref: EnrollmentRef, reason: str, execution_no: int = 0) -> None:
        """Stop an execution; no effect if it does not run."""

    def complete_task(self, token: str) -> None:
        """Resume a wait; no effect if it has ended."""
