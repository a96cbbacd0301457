"""Legs: an enrollment is gone through in executions, one after the other, and rests in between.

An execution of Step Functions ends within a year, and one that only waits could not be frozen or
moved to another version. So whoever has to rest for long lets the execution end and keeps, with the
enrollment, how the next one begins.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.base.refs import EnrollmentRef
from milepost.enrollments.enrollment import ResumePoint
from milepost.enrollments.program import END, Node, Program, outcome_key
from milepost.enrollments.step_flow import flow_of, is_wait

if TYPE_CHECKING:
    from milepost.enrollments.enrollment import Enrollment


def execution_name(ref: EnrollmentRef, leg: int) -> str:
    """The name of a leg's execution: starting it twice can only find the first."""
    return f"{ref.id}-{leg}" if leg else ref.id


def resumes_mid_block(enrollment: "Enrollment") -> ResumePoint | None:
    """How this leg began, if that was in the middle of a block: a message was put off, or a pause
    came. None if the enrollment has got further since, as far as its turns tell."""
    start = enrollment.resume_point
    if start is None or start.step or str(start.block_seq) not in enrollment.block_started:
        return None
    return None if str(start.block_seq + 1) in enrollment.block_started else start


def deferred_resume_point(enrollment: "Enrollment", turn: int, step: str) -> ResumePoint | None:
    """How this leg began, if that is what the message of a step waited for in this very turn."""
    start = enrollment.resume_point
    own = start is not None and start.block_seq == turn and start.deferred.startswith(f"{step}: ")
    return start if own else None


def resume_mid_block(enrollment: "Enrollment", entry: str, turn: int, now: datetime) -> ResumePoint:
    """How a leg begins that goes on in the middle of a turn; it still knows what a message of it
    waited for, and since when."""
    before = enrollment.resume_point
    if before is None or before.block_seq != turn:
        return ResumePoint(entry, turn, now, now)
    waited_for = before.deferred, before.deferred_since
    return ResumePoint(entry, turn, now, now, "", False, *waited_for)


def resumed_at(enrollment: "Enrollment", began: datetime) -> datetime:
    """When a turn that began then went on after a message of it had been put off; else then.

    What is waited for after a message is counted from here, or two that are an hour apart would
    come together in the morning.
    """
    start = enrollment.resume_point
    if (
        start is None
        or not start.deferred
        or enrollment.block_started.get(str(start.block_seq)) != began
    ):
        return began
    return max(began, start.due)


def suspend_after(program: Program) -> timedelta:
    """The longest rest inside an execution; it is compiled in, so that a machine and those who
    run its blocks never disagree."""
    seconds = program.options.get("suspend_after")
    return timedelta.max if seconds is None else timedelta(seconds=seconds)


def suspends(program: Program, node: Node) -> bool:
    """Whether a node is a wait that is known to be too long for an execution, or one whose end may
    be moved: what waits in an execution cannot be given another time."""
    wait = flow_of(node).wait
    if wait is None or "suspend_after" not in program.options:
        return False
    bound = wait.bound(node)
    return bound is not None and bound > suspend_after(program)


def waiting_step(
    program: Program, entry: str, turn: int, outcomes: Mapping[str, Mapping[str, Any]]
) -> Node | None:
    """The wait that a turn came to rest at; None if it has not, as far as its outcomes tell."""
    last = steps_taken(program, entry, turn, outcomes)[-1:]
    return last[0] if last and is_wait(last[0]) else None


def steps_taken(
    program: Program, entry: str, turn: int, outcomes: Mapping[str, Mapping[str, Any]]
) -> list[Node]:
    """The way of a turn to the wait that it comes to rest at, as far as its outcomes tell."""
    way: list[Node] = []
    name: str | None = entry
    while name is not None and name != END:
        node = program.nodes[name]
        way.append(node)
        if is_wait(node):
            break
        name = _followed(node, outcomes.get(outcome_key(node, turn)))
    return way


def _followed(node: Node, outcome: Mapping[str, Any] | None) -> str | None:
    """Where a step led that came to this; None if that is not decided."""
    flow = flow_of(node)
    exits = flow.exits(node)
    if len(exits) == 1:
        return exits[0].to
    return None if outcome is None else flow.taken(node, outcome)
