"""Start the next execution of a suspended enrollment, when it is due or its event arrives.

The order is: store the resume point, start the execution under its own name, remove the timer.
The timer repeats what a crash left undone. Two concurrent calls start one execution.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.pauses import delay_for_pause
from milepost.enrollments.program import Node, event_of, follows, outcome_key, woken_at
from milepost.enrollments.version_migration import is_newer, pending_wait

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.enrollments.ports import Enrollments, ExecutionEngine
    from milepost.published.head import Published, PublishedState


def reevaluate_after_exit(
    timeline: "Timeline", head: "PublishedState", ref: EnrollmentRef, at: datetime
) -> None:
    """Re-evaluate a contact that has left a workflow on which segments depend."""
    names = head.segments.workflows.get(ref.workflow, ())
    if names:
        from milepost.segments.membership import reevaluation_event  # few workflows need it

        timeline.append(ref.contact, reevaluation_event(ref.store, at, names, because=ref.id))


MAX_FOLLOW_UPS = 3
"""Attempts to reschedule an execution that changes at the same time."""


@dataclass(frozen=True, slots=True)
class ExecutionStarter:
    """Starts the executions of suspended enrollments. `now` is in business time."""

    enrollments: "Enrollments"
    registry: "Published"
    engine: "ExecutionEngine"
    now: Callable[[], datetime]

    def start(self, ref: EnrollmentRef) -> None:
        """Start the due execution; no effect if it has started or the enrollment has ended.

        After a pause it is rescheduled; during a pause it waits for its workflow.
        """
        loaded = self.enrollments.load(ref)
        if loaded is None:
            return
        enrollment = loaded[1]
        own, start = enrollment.ref, enrollment.resume_point
        if enrollment.status == "active" and start is not None:
            if start.due > self.now():
                return  # it was rescheduled since it was found to be due
            head = self.registry.head(own.store)
            delayed = delay_for_pause(start, head.pauses_of(own.workflow), self.now())
            if delayed is not None:
                paused = head.is_paused(own.workflow)
                self.enrollments.reschedule(own, enrollment.execution_no, delayed, paused)
                return
            machine = self.registry.resume_state_machine(own.store, own.workflow, own.version)
            self.engine.start(machine, own, enrollment.execution_no, start.block_seq, start.block)
        self.enrollments.mark_started(own, enrollment.execution_no)

    def resume(self, ref: EnrollmentRef, execution_no: int, step: str) -> None:
        """Start an execution because the event of its suspended wait has arrived."""
        loaded = self.enrollments.load(ref)
        if loaded is None:
            return
        own, start = loaded[1].ref, loaded[1].resume_point
        if start is not None and start.step == step:
            node = self.registry.program(own.store, own.workflow, own.version).nodes[step]
            if resume_after_event(self.enrollments, loaded[1], execution_no, node, self.now()):
                self.start(ref)


def reschedule_for_date(
    enrollments: "Enrollments",
    registry: "Published",
    ref: EnrollmentRef,
    now: datetime,
    seen: Profile | None = None,
) -> bool:
    """Reschedule an execution whose date has moved; False if it has started or was on time.

    With `seen`, only if the date is newer than in that profile.

    The execution gets a new number, so that one that is just starting for the old time can neither
    send nor write. Both a change of the date and a suspension call this afterwards, so at least
    one of them sees the other.
    """
    for _ in range(MAX_FOLLOW_UPS):
        loaded = enrollments.load(ref)
        if loaded is None or loaded[1].status != "active":
            return False
        profile, enrollment = loaded
        own, start = enrollment.ref, enrollment.resume_point
        if start is None or not start.step or str(start.block_seq) in enrollment.block_started:
            return False
        node = registry.program(own.store, own.workflow, own.version).nodes[start.step]
        head = registry.head(own.store)
        if not follows(node) or (seen and not is_newer(profile, seen, node)):
            return False
        date = pending_wait(node, start.since, profile, enrollment, head.settings).until
        if date is None or date == start.due or max(date, start.due) <= now:
            return False
        paused = head.is_paused(own.workflow)
        start = start._replace(due=date if paused else max(date, now))
        if enrollments.migrate(own, enrollment.execution_no, start, own.version, paused=paused):
            return True
    raise ThrottledError(
        f"enrollment {ref.id} changed {MAX_FOLLOW_UPS} times while it was rescheduled"
    )


def match_suspended_wait(
    enrollments: "Enrollments", enrollment: Enrollment, node: Node, now: datetime
) -> None:
    """Register the suspended wait for its event, if it has one. If the event was first, the timer
    starts the execution."""
    start, execution_no, event = enrollment.resume_point, enrollment.execution_no, event_of(node)
    if start is None or event is None:
        return
    key = outcome_key(node, start.block_seq)
    if enrollments.register_suspended_wait(
        enrollment.ref, node["id"], event, execution_no, start, key
    ):
        resume_after_event(enrollments, enrollment, execution_no, node, now)


def resume_after_event(
    enrollments: "Enrollments", enrollment: Enrollment, execution_no: int, node: Node, now: datetime
) -> bool:
    """Make an execution due now, at the step after the event; False if it has started."""
    start = enrollment.resume_point
    if enrollment.execution_no != execution_no or start is None or start.step != node["id"]:
        return False
    moved = start._replace(block=woken_at(node), due=now, fixed=True)
    return enrollments.reschedule(enrollment.ref, execution_no, moved)
