"""Run: one block of a workflow for one contact, from its entry to the next wait or the end.

Step Functions may run a block again from the start, after a crash at any line. So the block's
first instant and the outcome of each step are written down before anything that follows from
them happens, and a second run finds them instead of deciding anew.

A wait that is too long for an execution ends it: the enrollment is parked, and its next leg begins
after the wait. An execution of an earlier leg changes nothing any more.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, assert_never

from milepost.base.dates import next_night
from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
from milepost.enrollments.blocks import block_at
from milepost.enrollments.enrollment import (
    Enrollment,
    ResumePoint,
    Status,
    deferred_resume_point,
    resume_mid_block,
    suspend_after,
    suspends,
)
from milepost.enrollments.pauses import delay_for_pause, paused_time, resume_point_of_run
from milepost.enrollments.ports import PendingOutcomes
from milepost.enrollments.program import END, Node, Program
from milepost.enrollments.step_flow import Wait, flow_of, follows, keeps_due_time, timed_out_at
from milepost.enrollments.version_migration import pending_wait
from milepost.runtime.execution_starter import (
    match_suspended_wait,
    reevaluate_after_exit,
    reschedule_for_date,
)
from milepost.runtime.steps import RUNNERS, step_events
from milepost.runtime.steps.block_run import BlockRun, Ended, Next, Suspended
from milepost.runtime.steps.tools import StepTools
from milepost.sending.send import SendDeferred, SendJob, SendPaused

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments, ExecutionEngine
    from milepost.published.head import Published, PublishedState


LATE_AFTER = timedelta(minutes=2)
"""A leg that begins so soon after its time counts from that time, or every rest would add a
minute; one that is later counts from now, or those who were late would be hurried."""


class BlockResult(NamedTuple):
    """Where a block came to rest: a waiting node or END.

    `until` is when a delay is over, `since` the instant from which a wait counts events.
    """

    next: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class BlockRunner:
    """Runs blocks. `now` is asked for every message, so that the gate decides on the present.

    `engine` stops executions that have nothing left to do and no way to their end; without one
    nobody is stopped. Few need it, so it is built when one does. `mark_moved` is told, before a
    block of a workflow runs, for which night it is to be counted; without one nothing is counted.
    """

    enrollments: "Enrollments"
    registry: "Published"
    tools: StepTools
    now: Callable[[], datetime]
    engine: Callable[[], "ExecutionEngine"] | None = None
    mark_moved: Callable[[str, str, datetime], None] | None = None

    def run(self, ref: EnrollmentRef, entry: str, number: int = 0, leg: int = 0) -> BlockResult:
        """Run the block as the turn of this number; raises `ThrottledError` when it has to be tried
        again."""
        program = self.registry.program(ref.store, ref.workflow, ref.version)
        loaded = self.enrollments.load(ref)
        if loaded is None:
            raise ThrottledError(f"enrollment {ref.id} is not there yet")
        profile, enrollment = loaded
        if self.mark_moved is not None:
            # no mail waits for that; the next run marks the workflow again
            with suppress(ThrottledError):
                self.mark_moved(ref.store, ref.workflow, next_night(self.now()))
        if enrollment.status != "active" or enrollment.execution_no != leg:
            self._meet(enrollment, leg)
            if enrollment.status != "active":
                self._tell(enrollment.ref, enrollment.since)  # the run that ended it may be dead
            return self._leave(ref, leg, program, entry)
        head = self.registry.head(ref.store)
        if self._held(enrollment, head, program, entry, number):
            return self._leave(ref, leg, program, entry)
        began = enrollment.block_started.get(str(number))
        pauses = head.pauses_of(ref.workflow)
        turn = BlockRun(
            enrollments=self.enrollments,
            entry=entry,
            block_seq=number,
            program=program,
            profile=profile,
            enrollment=enrollment,
            began=began or self._begins(enrollment, number),
            settings=head.settings,
            begun_now=began is None,
            frozen=paused_time(pauses, began or self.now(), self.now()) if pauses else timedelta(),
        )
        return self._walk(turn)

    def abandon(self, ref: EnrollmentRef, cause: str, leg: int = 0) -> None:
        """End an enrollment whose machine failed for good: nobody is left behind unseen."""
        if self.enrollments.current_execution(ref) != leg:
            return  # it goes on in another execution
        self.enrollments.finish(ref, "failed", cause[:200], self.now())
        self._tell(ref, self.now())

    def retry_message(self, ref: EnrollmentRef, step: str, turn: int) -> bool:
        """Send a transactional message whose outcome stayed unknown a second and last time; False
        if it has to wait for the end of a pause."""
        program = self.registry.program(ref.store, ref.workflow, ref.version)
        loaded = self.enrollments.load(ref)
        if loaded is not None:
            profile, enrollment = loaded
            due = enrollment.block_started.get(str(turn), self.now())
            node = program.nodes[step]
            return self.tools.sender.retry_message(
                SendJob(program, profile, enrollment, node, turn, due)
            )
        return True

    def _walk(self, turn: BlockRun) -> BlockResult:
        name = turn.entry
        while name != END:
            node = turn.program.nodes[name]
            if wait := flow_of(node).wait:
                return self._rest(turn, node, wait)
            result = RUNNERS.get(node["type"], step_events.run)(node, turn, self.tools)
            match result:
                case Next():
                    name = result.step
                case Ended():
                    return self._finish(turn, "exited", result.reason)
                case Suspended():
                    return self._suspend(turn, result.why)
                case _:
                    assert_never(result)
        return self._finish(turn, "completed", "")

    def _rest(self, turn: BlockRun, node: Node, wait: Wait) -> BlockResult:
        rest = pending_wait(node, turn.began, turn.profile, turn.enrollment, turn.settings)
        if rest.until is None and wait.leaves_without_date(node):
            return self._finish(turn, "exited", f"{node['id']}: there is no such date")
        until = max(rest.until or turn.began, turn.began)
        long = wait.bound(node) is None and until - self.now() > suspend_after(turn.program)
        if long or suspends(turn.program, node):
            return self._park(turn, node, rest.since, until)
        turn.save()
        return BlockResult(
            node["id"], rest.since, until if wait.state == "timestamp" else turn.began
        )

    def _park(self, turn: BlockRun, node: Node, since: datetime, until: datetime) -> BlockResult:
        """Let the execution end: the next leg begins after the wait."""
        due, number = max(until, self.now()), turn.block_seq + 1
        fixed = keeps_due_time(node)
        start = ResumePoint(timed_out_at(node), number, due, since, node["id"], fixed)
        leg = turn.enrollment.execution_no
        if self.enrollments.suspend(turn.enrollment.ref, leg, start, turn.pending()):
            self._meet(replace(turn.enrollment, execution_no=leg + 1, resume_point=start), leg)
        if follows(node):  # it may have been moved since this run read it
            ref = turn.enrollment.ref
            reschedule_for_date(self.enrollments, self.registry, ref, self.now(), turn.profile)
        return self._leave(turn.enrollment.ref, leg, turn.program, turn.entry)

    def _held(
        self,
        enrollment: Enrollment,
        head: "PublishedState",
        program: Program,
        entry: str,
        number: int,
    ) -> bool:
        """Whether a pause keeps this turn from beginning: a later leg will begin with it."""
        ref, now = enrollment.ref, self.now()
        pauses = head.pauses_of(ref.workflow)
        if not pauses:
            return False
        paused = head.is_paused(ref.workflow)
        if str(number) in enrollment.block_started:
            held = resume_mid_block(enrollment, entry, number, now) if paused else None
        else:
            start = resume_point_of_run(program, enrollment, entry, number, now)
            held = delay_for_pause(start, pauses, now)
        if held is not None:
            leg = enrollment.execution_no
            if self.enrollments.suspend(ref, leg, held, PendingOutcomes(), paused):
                # A wait that goes on hears its event on the leg to come, not in this execution.
                self._meet(replace(enrollment, execution_no=leg + 1, resume_point=held), leg)
        return held is not None

    def _suspend(self, turn: BlockRun, why: SendPaused | SendDeferred) -> BlockResult:
        match why:
            case SendPaused():
                return self._freeze(turn)
            case SendDeferred():
                return self._put_off(turn, why)
            case _:
                assert_never(why)

    def _freeze(self, turn: BlockRun) -> BlockResult:
        """A pause began in the middle of a block: it will be run again, and finds what it did."""
        ref, leg, now = turn.enrollment.ref, turn.enrollment.execution_no, self.now()
        start = resume_mid_block(turn.enrollment, turn.entry, turn.block_seq, now)
        self.enrollments.suspend(ref, leg, start, turn.pending(), paused=True)
        return self._leave(ref, leg, turn.program, turn.entry)

    def _put_off(self, turn: BlockRun, deferred: SendDeferred) -> BlockResult:
        """A message has to wait: its block will be run again then, and finds what it did."""
        ref, leg, now = turn.enrollment.ref, turn.enrollment.execution_no, self.now()
        until, reason = deferred.defer.until, f"{deferred.step}: {deferred.defer.reason}"
        before = deferred_resume_point(turn.enrollment, turn.block_seq, deferred.step)
        since = (before and before.deferred_since) or now
        start = ResumePoint(turn.entry, turn.block_seq, until, now, "", True, reason, since)
        self.enrollments.suspend(ref, leg, start, turn.pending())
        return self._leave(ref, leg, turn.program, turn.entry)

    def _meet(self, enrollment: Enrollment, leg: int) -> None:
        """Lay down what the event of a parked wait looks for; also where a run of this leg was cut
        off before it came to that."""
        start, ref = enrollment.resume_point, enrollment.ref
        if (
            enrollment.status == "active"
            and enrollment.execution_no == leg + 1
            and start
            and start.step
        ):
            node = self.registry.program(ref.store, ref.workflow, ref.version).nodes[start.step]
            match_suspended_wait(self.enrollments, enrollment, node, self.now())

    def _begins(self, enrollment: Enrollment, number: int) -> datetime:
        """The instant of a turn that is run for the first time."""
        now, start = self.now(), enrollment.resume_point
        if start and start.block_seq == number and timedelta(0) <= now - start.due < LATE_AFTER:
            return start.due
        return now

    def _finish(self, turn: BlockRun, status: Status, reason: str) -> BlockResult:
        turn.save()
        ref, leg = turn.enrollment.ref, turn.enrollment.execution_no
        self.enrollments.finish(ref, status, reason[:200], self.now(), leg)
        self._tell(ref, turn.enrollment.since)
        return self._leave(ref, leg, turn.program, turn.entry)

    def _tell(self, ref: EnrollmentRef, at: datetime) -> None:
        reevaluate_after_exit(self.tools.timeline, self.registry.head(ref.store), ref, at)

    def _leave(self, ref: EnrollmentRef, leg: int, program: Program, entry: str) -> BlockResult:
        """This execution has nothing left to do. A block that always goes on to a wait has no
        Choice to leave by: it is stopped there."""
        exits = block_at(program, entry).exits
        if END not in exits and self.engine is not None:
            self.engine().stop(ref, "nothing left to do", leg)
        return BlockResult(END, self.now(), self.now())
