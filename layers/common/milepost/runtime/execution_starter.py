"""Leaving: segments may ask who is in a workflow, and nothing happens to a contact at its end.

Legs: the next execution of an enrollment begins, at its time or because its event came.

Whoever begins a leg does it in this order: its beginning is written down, the execution is started
under the leg's own name, and its timer goes. A crash after any of these is made good by the timer,
and two who do it at once start one execution.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.pauses import delay_for_pause
from milepost.enrollments.program import Node, outcome_key
from milepost.enrollments.step_flow import event_of, follows, woken_at
from milepost.enrollments.version_migration import is_newer, pending_wait

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline
    from milepost.enrollments.ports import Enrollments, ExecutionEngine
    from milepost.published.head import Published, PublishedState


def reevaluate_after_exit(
    timeline: "Timeline", head: "PublishedState", ref: EnrollmentRef, at: datetime
) -> None:
    """Have a contact looked at that is no longer in a workflow which segments ask about."""
    names = head.segments.workflows.get(ref.workflow, ())
    if names:
        from milepost.segments.membership import reevaluation_event  # few workflows are asked about

        timeline.append(ref.contact, reevaluation_event(ref.store, at, names, because=ref.id))


MAX_FOLLOW_UPS = 3
"""Tries at giving a leg another time while somebody else does something with it."""


@dataclass(frozen=True, slots=True)
class ExecutionStarter:
    """Begins the legs of enrollments that are parked. `now` is the time of the business."""

    enrollments: "Enrollments"
    registry: "Published"
    engine: "ExecutionEngine"
    now: Callable[[], datetime]

    def start(self, ref: EnrollmentRef) -> None:
        """Begin the leg that is due; harmless if it has begun or the enrollment is over.

        A pause may keep it: then it gets another time, or waits for its workflow.
        """
        loaded = self.enrollments.load(ref)
        if loaded is None:
            return
        enrollment = loaded[1]
        own, start = enrollment.ref, enrollment.resume_point
        if enrollment.status == "active" and start is not None:
            if start.due > self.now():
                return  # it has been given another time since it was found to be due
            head = self.registry.head(own.store)
            held = delay_for_pause(start, head.pauses_of(own.workflow), self.now())
            if held is not None:
                paused = head.is_paused(own.workflow)
                self.enrollments.reschedule(own, enrollment.execution_no, held, paused)
                return
            machine = self.registry.resume_state_machine(own.store, own.workflow, own.version)
            self.engine.start(machine, own, enrollment.execution_no, start.block_seq, start.block)
        self.enrollments.mark_started(own, enrollment.execution_no)

    def resume(self, ref: EnrollmentRef, leg: int, step: str) -> None:
        """The event of a parked wait has come: its leg begins there, unless it has begun."""
        loaded = self.enrollments.load(ref)
        if loaded is None:
            return
        own, start = loaded[1].ref, loaded[1].resume_point
        if start is not None and start.step == step:
            node = self.registry.program(own.store, own.workflow, own.version).nodes[step]
            if resume_after_event(self.enrollments, loaded[1], leg, node, self.now()):
                self.start(ref)


def reschedule_for_date(
    enrollments: "Enrollments",
    registry: "Published",
    ref: EnrollmentRef,
    now: datetime,
    seen: Profile | None = None,
) -> bool:
    """Give a leg another time if the date that it waits for has been moved; False if it has begun,
    or was on time.

    With `seen`, only if the date is newer than in the profile as it was seen then.

    It becomes another leg: an execution that was just being started for the old time finds that it
    is not its turn, and can neither mail nor write. Whoever changes the date does this afterwards,
    and so does whoever parks a leg that waits for one: of both one sees what the other did.
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
        comes = pending_wait(node, start.since, profile, enrollment, head.settings).until
        if comes is None or comes == start.due or max(comes, start.due) <= now:
            return False
        paused = head.is_paused(own.workflow)
        start = start._replace(due=comes if paused else max(comes, now))
        if enrollments.migrate(own, enrollment.execution_no, start, own.version, paused=paused):
            return True
    raise ThrottledError(
        f"enrollment {ref.id} was changed {MAX_FOLLOW_UPS} times while it was given a time"
    )


def match_suspended_wait(
    enrollments: "Enrollments", enrollment: Enrollment, node: Node, now: datetime
) -> None:
    """Lay a parked wait's half down where its event looks for it; the event may be there already.
    A wait that no event ends has nothing to lay down.

    The timer then begins the leg.
    """
    start, leg, event = enrollment.resume_point, enrollment.execution_no, event_of(node)
    if start is None or event is None:
        return
    key = outcome_key(node, start.block_seq)
    if enrollments.register_suspended_wait(enrollment.ref, node["id"], event, leg, start, key):
        resume_after_event(enrollments, enrollment, leg, node, now)


def resume_after_event(
    enrollments: "Enrollments", enrollment: Enrollment, leg: int, node: Node, now: datetime
) -> bool:
    """Have a leg begin now, where the event leads; False if it has begun otherwise."""
    start = enrollment.resume_point
    if enrollment.execution_no != leg or start is None or start.step != node["id"]:
        return False
    moved = start._replace(block=woken_at(node), due=now, fixed=True)
    return enrollments.reschedule(enrollment.ref, leg, moved)
