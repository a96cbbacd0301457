"""An enrollment: its stored state, its resume point and its Step Functions executions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.contacts.profile import ActiveEnrollment, Profile
from milepost.enrollments.program import END, Node, Program, flow_of, is_wait, outcome_key, visit_in
from milepost.stores.settings import StoreSettings

Status = Literal["active", "completed", "exited", "failed"]


class ResumePoint(NamedTuple):
    """Where the current execution starts: with `block`, as block run `block_seq`, when `due`.

    `step` is the wait before it, if there is one. `since` is the instant from which that wait
    counts events and from which pauses must still be added to `due`. A pause that ended before a
    `fixed` time does not move it. `deferred` says why a message of a started block run was
    deferred, and `deferred_since` since when.
    """

    block: str
    block_seq: int
    due: datetime
    since: datetime
    step: str = ""
    fixed: bool = False
    deferred: str = ""
    deferred_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One contact's way through one version of one workflow.

    `since` is the time of the trigger event; later events of the contact count, even if the
    trigger event arrived late. `block_started` holds the start of each block run, `block_entries`
    its block, and `outcomes` the outcome of each step, by `outcome_key`; a repeated block run
    reuses them. `state_machine_arn` is the published version that the first execution runs on.
    `resume_point` is where the current execution starts, None for the first. `first_block_run` is
    the first block run in this version, after a migration.
    """

    ref: EnrollmentRef
    event_id: str
    event_name: str
    event_data: Mapping[str, Any]
    since: datetime
    entered_at: datetime
    key: str = ""
    state_machine_arn: str = ""
    status: Status = "active"
    reason: str = ""
    block_started: Mapping[str, datetime] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    block_entries: Mapping[str, str] = field(default_factory=dict)
    execution_no: int = 0
    resume_point: ResumePoint | None = None
    ended_at: datetime | None = None
    first_block_run: int = 0

    def presence(self) -> ActiveEnrollment:
        """What the contact's profile stores while the enrollment is active."""
        ref = self.ref
        return ActiveEnrollment(
            ref.workflow, ref.version, self.event_id, self.since, self.state_machine_arn
        )


def latest_outcomes(outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The newest outcome of each step, by its id."""
    ordered = sorted(outcomes, key=lambda key: int(key.partition("@")[2] or 0))
    return {key.partition("@")[0]: outcomes[key] for key in ordered}


def visit_count(outcomes: Mapping[str, Mapping[str, Any]], step: str) -> int:
    """The number of decided visits of a step in a loop."""
    return sum(key.partition("@")[0] == step for key in outcomes)


def last_visit(outcomes: Mapping[str, Mapping[str, Any]], step: str) -> int:
    """The number of a step's newest visit, which is part of its message's id."""
    runs = [int(key.partition("@")[2]) for key in outcomes if key.startswith(f"{step}@")]
    return visit_in(max(runs)) if runs else 1


def template_data(
    profile: Profile,
    enrollment: Enrollment,
    settings: StoreSettings,
) -> dict[str, Any]:
    """The data of steps and templates: contact, event, store, steps and enrollment."""
    return {
        "contact": profile.as_data(),
        "event": {**enrollment.event_data, "name": enrollment.event_name},
        "store": {
            "name": settings.name,
            "url": settings.url,
            "postal_address": settings.postal_address,
            "logo_url": settings.logo_url,
            "currency": settings.currency,
        },
        "steps": {
            step: dict(outcome) for step, outcome in latest_outcomes(enrollment.outcomes).items()
        },
        "enrollment": {
            "id": enrollment.ref.id,
            "workflow": enrollment.ref.workflow,
            "since": times.format_instant(enrollment.since),
        },
    }


def email_data(
    data: Mapping[str, Any], sender: str, urls: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """The data of an e-mail template: `data`, the sender's name, the links and the time."""
    return {**data, "sender": {"name": sender}, "urls": urls, "now": times.format_instant(now)}


def execution_name(ref: EnrollmentRef, execution_no: int) -> str:
    """The name of an execution; Step Functions refuses to start the same name twice."""
    return f"{ref.id}-{execution_no}" if execution_no else ref.id


def resumes_mid_block(enrollment: "Enrollment") -> ResumePoint | None:
    """The resume point, if this execution started in the middle of a block run, after a deferred
    message or a pause. None if a later block run has started since."""
    start = enrollment.resume_point
    if start is None or start.step or str(start.block_seq) not in enrollment.block_started:
        return None
    return None if str(start.block_seq + 1) in enrollment.block_started else start


def deferred_resume_point(
    enrollment: "Enrollment", block_seq: int, step: str
) -> ResumePoint | None:
    """The resume point, if this execution started for the deferred message of this step visit."""
    start = enrollment.resume_point
    own = (
        start is not None
        and start.block_seq == block_seq
        and start.deferred.startswith(f"{step}: ")
    )
    return start if own else None


def resume_mid_block(
    enrollment: "Enrollment", entry: str, block_seq: int, now: datetime
) -> ResumePoint:
    """The resume point in the middle of a block run; it keeps why and since when a message of the
    block run was deferred."""
    before = enrollment.resume_point
    if before is None or before.block_seq != block_seq:
        return ResumePoint(entry, block_seq, now, now)
    waited_for = before.deferred, before.deferred_since
    return ResumePoint(entry, block_seq, now, now, "", False, *waited_for)


def resumed_at(enrollment: "Enrollment", began: datetime) -> datetime:
    """When a block run continued after a deferred message; `began` if none was deferred.

    Waits after the message count from here. Otherwise two messages an hour apart would go out
    together after the quiet hours.
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
    """The longest wait inside an execution. It is compiled in, so that the state machine and the
    block runner agree."""
    seconds = program.options.get("suspend_after")
    return timedelta.max if seconds is None else timedelta(seconds=seconds)


def suspends(program: Program, node: Node) -> bool:
    """Whether a node is a wait that is known to be too long for an execution, or whose end may
    move: an execution that waits cannot be rescheduled."""
    wait = flow_of(node).wait
    if wait is None or "suspend_after" not in program.options:
        return False
    bound = wait.bound(node)
    return bound is not None and bound > suspend_after(program)


def waiting_step(
    program: Program, entry: str, block_seq: int, outcomes: Mapping[str, Mapping[str, Any]]
) -> Node | None:
    """The wait at which a block run stopped; None if its outcomes do not lead to one yet."""
    last = steps_taken(program, entry, block_seq, outcomes)[-1:]
    return last[0] if last and is_wait(last[0]) else None


def steps_taken(
    program: Program, entry: str, block_seq: int, outcomes: Mapping[str, Mapping[str, Any]]
) -> list[Node]:
    """The steps of a block run up to its wait, as far as its outcomes lead."""
    path: list[Node] = []
    name: str | None = entry
    while name is not None and name != END:
        node = program.nodes[name]
        path.append(node)
        if is_wait(node):
            break
        name = _next_step(node, outcomes.get(outcome_key(node, block_seq)))
    return path


def _next_step(node: Node, outcome: Mapping[str, Any] | None) -> str | None:
    """The step after this one; None if that is not decided."""
    flow = flow_of(node)
    exits = flow.exits(node)
    if len(exits) == 1:
        return exits[0].to
    return None if outcome is None else flow.taken(node, outcome)
