"""One enrollment: what is stored of it, where it resumes, and its Step Functions executions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
from milepost.contacts.profile import ActiveEnrollment, Profile
from milepost.enrollments.program import END, Node, Program, outcome_key, visit_in
from milepost.enrollments.step_flow import flow_of, is_wait
from milepost.stores.settings import StoreSettings

Status = Literal["active", "completed", "exited", "failed"]


class ResumePoint(NamedTuple):
    """How the present leg begins: with `block`, as the turn of this number, when it is `due`.

    `step` is the wait that is rested at, empty if there is none. `since` is the instant from which
    that wait counts events, and from which pauses have yet to be added to `due`; a `fixed` time is
    not moved by a pause that was over before it. `deferred` says why a message of a turn that has
    begun was put off, `deferred_since` since when.
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

    `since` is when the triggering event happened: what the contact did later counts as done
    inside, however late the event reached us. `began` holds the instant at which each turn (a run
    of a block) began, `outcomes` what each step came to, by `outcome_key`; a replayed block finds
    both and changes nothing; `entries` say which block a turn was of. `machine` is the published
    state machine version that its first leg runs on; `leg` counts the executions, and `start` is
    how the present one begins, None for the first. `first_block_run` is the first turn that is of
    this version: those before it were of the version that the enrollment was moved from.
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
        """What the contact's profile keeps of it while it lasts."""
        ref = self.ref
        return ActiveEnrollment(
            ref.workflow, ref.version, self.event_id, self.since, self.state_machine_arn
        )


def latest_outcomes(outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The newest outcome of each step, by its id."""
    turns = {key: int(key.partition("@")[2] or 0) for key in outcomes}
    ordered = sorted(outcomes, key=turns.__getitem__)
    return {key.partition("@")[0]: outcomes[key] for key in ordered}


def visit_count(outcomes: Mapping[str, Mapping[str, Any]], step: str) -> int:
    """How often a step that may come again has been decided."""
    return sum(key.partition("@")[0] == step for key in outcomes)


def last_visit(outcomes: Mapping[str, Mapping[str, Any]], step: str) -> int:
    """The number of a step's newest visit, which is part of its message's id."""
    turns = [int(key.partition("@")[2]) for key in outcomes if key.startswith(f"{step}@")]
    return visit_in(max(turns)) if turns else 1


def template_data(
    profile: Profile,
    enrollment: Enrollment,
    settings: StoreSettings,
) -> dict[str, Any]:
    """What steps and templates may look up: contact, event, store, steps and enrollment."""
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
            "since": instants.format_instant(enrollment.since),
        },
    }


def email_data(
    data: Mapping[str, Any], sender: str, urls: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """What the template of a mail may look up: what steps may (`data`), the name it comes from, the
    reader's links and the time."""
    return {**data, "sender": {"name": sender}, "urls": urls, "now": instants.format_instant(now)}


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
