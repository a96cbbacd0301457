"""Run one block of a workflow for one contact, from its entry to the next wait or the end.

Step Functions may repeat a block run after a crash at any line. So the start of the block run and
the outcome of each step are saved before their consequences, and a repetition reuses them.

A wait that is too long for an execution suspends the enrollment; the next execution starts after
the wait. An earlier execution changes nothing any more.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, assert_never

from milepost.base.dates import next_night
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
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
from milepost.enrollments.program import (
    END,
    Node,
    Program,
    Wait,
    flow_of,
    follows,
    keeps_due_time,
    timed_out_at,
)
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
"""An execution that starts this soon after its due time counts from that time, because otherwise
every wait would add a minute. A later one counts from now."""


class BlockResult(NamedTuple):
    """Where a block run stopped: at a waiting node or END.

    `until` is the end of a delay, `since` the instant from which a wait counts events.
    """

    next: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class BlockRunner:
    """Runs blocks. `now` is read for every message, so that the gate decides on the current state.

    `engine` stops executions that have nothing left to do but cannot end by themselves; it is
    built only when needed. `mark_moved` queues the nightly count before a block runs.
    """

    enrollments: "Enrollments"
    registry: "Published"
    tools: StepTools
    now: Callable[[], datetime]
    engine: Callable[[], "ExecutionEngine"] | None = None
    mark_moved: Callable[[str, str, datetime], None] | None = None

    def run(
        self, ref: EnrollmentRef, entry: str, number: int = 0, execution_no: int = 0
    ) -> BlockResult:
        """Run a block as block run `number`. Raises `ThrottledError` when it must be retried."""
        program = self.registry.program(ref.store, ref.workflow, ref.version)
        loaded = self.enrollments.load(ref)
        if loaded is None:
            raise ThrottledError(f"enrollment {ref.id} is not there yet")
        profile, enrollment = loaded
        if self.mark_moved is not None:
            # A failure must not stop the e-mail; the next run queues the count again.
            with suppress(ThrottledError):
                self.mark_moved(ref.store, ref.workflow, next_night(self.now()))
        if enrollment.status != "active" or enrollment.execution_no != execution_no:
            self._match_wait(enrollment, execution_no)
            if enrollment.status != "active":  # the run that ended it may have crashed
                self._reevaluate(enrollment.ref, enrollment.since)
            return self._leave(ref, execution_no, program, entry)
        head = self.registry.head(ref.store)
        if self._delayed_by_pause(enrollment, head, program, entry, number):
            return self._leave(ref, execution_no, program, entry)
        began = enrollment.block_started.get(str(number))
        pauses = head.pauses_of(ref.workflow)
        run = BlockRun(
            enrollments=self.enrollments,
            entry=entry,
            block_seq=number,
            program=program,
            profile=profile,
            enrollment=enrollment,
            began=began or self._start_of_run(enrollment, number),
            settings=head.settings,
            begun_now=began is None,
            paused_for=paused_time(pauses, began or self.now(), self.now())
            if pauses
            else timedelta(),
        )
        return self._walk(run)

    def abandon(self, ref: EnrollmentRef, cause: str, execution_no: int = 0) -> None:
        """End an enrollment whose current execution failed for good."""
        if self.enrollments.current_execution(ref) != execution_no:
            return
        self.enrollments.finish(ref, "failed", cause[:200], self.now())
        self._reevaluate(ref, self.now())

    def retry_message(self, ref: EnrollmentRef, step: str, block_seq: int) -> bool:
        """Send a transactional message with unknown outcome a second and last time; False if it
        must wait for the end of a pause."""
        program = self.registry.program(ref.store, ref.workflow, ref.version)
        loaded = self.enrollments.load(ref)
        if loaded is not None:
            profile, enrollment = loaded
            due = enrollment.block_started.get(str(block_seq), self.now())
            node = program.nodes[step]
            return self.tools.sender.retry_message(
                SendJob(program, profile, enrollment, node, block_seq, due)
            )
        return True

    def _walk(self, run: BlockRun) -> BlockResult:
        name = run.entry
        while name != END:
            node = run.program.nodes[name]
            if wait := flow_of(node).wait:
                return self._stop_at_wait(run, node, wait)
            result = RUNNERS.get(node["type"], step_events.run)(node, run, self.tools)
            match result:
                case Next():
                    name = result.step
                case Ended():
                    return self._finish(run, "exited", result.reason)
                case Suspended():
                    return self._suspend(run, result.why)
                case _:
                    assert_never(result)
        return self._finish(run, "completed", "")

    def _stop_at_wait(self, run: BlockRun, node: Node, wait: Wait) -> BlockResult:
        pending = pending_wait(node, run.began, run.profile, run.enrollment, run.settings)
        if pending.until is None and wait.leaves_without_date(node):
            return self._finish(run, "exited", f"{node['id']}: there is no such date")
        until = max(pending.until or run.began, run.began)
        long = wait.bound(node) is None and until - self.now() > suspend_after(run.program)
        if long or suspends(run.program, node):
            return self._suspend_at_wait(run, node, pending.since, until)
        run.save()
        end = until if wait.state == "timestamp" else run.began
        return BlockResult(node["id"], pending.since, end)

    def _suspend_at_wait(
        self, run: BlockRun, node: Node, since: datetime, until: datetime
    ) -> BlockResult:
        """End the execution; the next one starts after the wait."""
        due, number = max(until, self.now()), run.block_seq + 1
        fixed = keeps_due_time(node)
        start = ResumePoint(timed_out_at(node), number, due, since, node["id"], fixed)
        execution_no = run.enrollment.execution_no
        if self.enrollments.suspend(run.enrollment.ref, execution_no, start, run.pending()):
            suspended = replace(run.enrollment, execution_no=execution_no + 1, resume_point=start)
            self._match_wait(suspended, execution_no)
        if follows(node):  # the date may have moved since this run read it
            ref = run.enrollment.ref
            reschedule_for_date(self.enrollments, self.registry, ref, self.now(), run.profile)
        return self._leave(run.enrollment.ref, execution_no, run.program, run.entry)

    def _delayed_by_pause(
        self,
        enrollment: Enrollment,
        head: "PublishedState",
        program: Program,
        entry: str,
        number: int,
    ) -> bool:
        """Whether a pause delays this block run; then a later execution starts with it."""
        ref, now = enrollment.ref, self.now()
        pauses = head.pauses_of(ref.workflow)
        if not pauses:
            return False
        paused = head.is_paused(ref.workflow)
        if str(number) in enrollment.block_started:
            delayed = resume_mid_block(enrollment, entry, number, now) if paused else None
        else:
            start = resume_point_of_run(program, enrollment, entry, number, now)
            delayed = delay_for_pause(start, pauses, now)
        if delayed is not None:
            execution_no = enrollment.execution_no
            if self.enrollments.suspend(ref, execution_no, delayed, PendingOutcomes(), paused):
                # A continued wait gets its event in the next execution, not in this one.
                suspended = replace(enrollment, execution_no=execution_no + 1, resume_point=delayed)
                self._match_wait(suspended, execution_no)
        return delayed is not None

    def _suspend(self, run: BlockRun, why: SendPaused | SendDeferred) -> BlockResult:
        """Suspend the enrollment during a block run, which will be repeated after the pause or at
        the time of the deferred message."""
        ref, execution_no, now = run.enrollment.ref, run.enrollment.execution_no, self.now()
        match why:
            case SendPaused():
                start = resume_mid_block(run.enrollment, run.entry, run.block_seq, now)
            case SendDeferred():
                until, reason = why.defer.until, f"{why.step}: {why.defer.reason}"
                before = deferred_resume_point(run.enrollment, run.block_seq, why.step)
                since = (before and before.deferred_since) or now
                start = ResumePoint(run.entry, run.block_seq, until, now, "", True, reason, since)
            case _:
                assert_never(why)
        paused = isinstance(why, SendPaused)
        self.enrollments.suspend(ref, execution_no, start, run.pending(), paused)
        return self._leave(ref, execution_no, run.program, run.entry)

    def _match_wait(self, enrollment: Enrollment, execution_no: int) -> None:
        """Register the suspended wait after an execution, also if an earlier run crashed before
        this."""
        start, ref = enrollment.resume_point, enrollment.ref
        if (
            enrollment.status == "active"
            and enrollment.execution_no == execution_no + 1
            and start
            and start.step
        ):
            node = self.registry.program(ref.store, ref.workflow, ref.version).nodes[start.step]
            match_suspended_wait(self.enrollments, enrollment, node, self.now())

    def _start_of_run(self, enrollment: Enrollment, number: int) -> datetime:
        """The start of a block run that runs for the first time."""
        now, start = self.now(), enrollment.resume_point
        if start and start.block_seq == number and timedelta(0) <= now - start.due < LATE_AFTER:
            return start.due
        return now

    def _finish(self, run: BlockRun, status: Status, reason: str) -> BlockResult:
        run.save()
        ref, execution_no = run.enrollment.ref, run.enrollment.execution_no
        self.enrollments.finish(ref, status, reason[:200], self.now(), execution_no)
        self._reevaluate(ref, run.enrollment.since)
        return self._leave(ref, execution_no, run.program, run.entry)

    def _reevaluate(self, ref: EnrollmentRef, at: datetime) -> None:
        reevaluate_after_exit(self.tools.timeline, self.registry.head(ref.store), ref, at)

    def _leave(
        self, ref: EnrollmentRef, execution_no: int, program: Program, entry: str
    ) -> BlockResult:
        """End an execution that has nothing left to do. After a block that always leads to a wait
        there is no Choice state that ends it, so it is stopped."""
        exits = block_at(program, entry).exits
        if END not in exits and self.engine is not None:
            self.engine().stop(ref, "nothing left to do", execution_no)
        return BlockResult(END, self.now(), self.now())
