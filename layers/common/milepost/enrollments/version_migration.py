"""A new version and those inside on an older one: where they go on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, assert_never

from milepost.base import instants
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import (
    Enrollment,
    ResumePoint,
    resumed_at,
    steps_taken,
    template_data,
    waiting_step,
)
from milepost.enrollments.program import Node, Program, outcome_key, visit_of
from milepost.enrollments.step_flow import (
    PendingWait,
    WaitContext,
    flow_of,
    follows,
    is_wait,
    keeps_due_time,
    timed_out_at,
)
from milepost.stores.settings import StoreSettings

TIMESTAMP_RESOLUTION = timedelta(milliseconds=1)
"""Instants are kept to the millisecond."""


def pending_wait(
    node: Node, began: datetime, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> PendingWait:
    """The wait at which a turn that began then has come to rest."""
    wait = flow_of(node).wait
    if wait is None:
        raise ValueError(f"{node['id']} does not wait")
    context = WaitContext(
        began,
        resumed_at(enrollment, began),
        profile.get("timezone"),
        settings.timezone,
        lambda: template_data(profile, enrollment, settings),
        lambda event: _counts_from(enrollment, began, event),
    )
    return wait.ends(node, context)


def _counts_from(enrollment: Enrollment, began: datetime, event: str) -> datetime:
    """The instant from which a wait counts events: after the one that an earlier wait has met.

    Its time may be ahead of ours, and it would then seem to lie inside the block it led to.
    """
    outcomes = enrollment.outcomes.values()
    met = [o["at"] for o in outcomes if o.get("event") == event and "at" in o]
    return max([began, *(instants.parse_instant(at) + TIMESTAMP_RESOLUTION for at in met)])


def changed_date_fields(event: Event) -> frozenset[str]:
    """The fields of a contact that an event says something new of, and on which a date rests."""
    said = {f"properties.{name}" for name in event.contact.properties}
    said |= {change.name for change in event.contact.changes}
    return frozenset(said | event.contact.fields.keys())


def is_rescheduled_by(node: Node, said: Collection[str]) -> bool:
    """Whether a node waits for a date that is moved if these fields of the contact are."""
    return not follows(node).isdisjoint(said)


def is_newer(profile: Profile, seen: Profile, node: Node) -> bool:
    """Whether the date of a node was set later than it was when the contact was seen like this."""
    nothing = (None, "", "")
    return any(
        profile.fields.get(name, nothing)[1:] > seen.fields.get(name, nothing)[1:]
        for name in follows(node)
    )


def current_resume_point(
    program: Program, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> ResumePoint | None:
    """How an enrollment would go on from where it rests; None while a block of it is run.

    The `block` is that of the time-out, for an event that has come has ended the rest.
    """
    start = enrollment.resume_point
    if start is None or str(start.block_seq) in enrollment.block_started:
        start = _executing(program, profile, enrollment, settings)
    if start is None or not start.step:
        return start
    return (
        None
        if outcome_key(program.nodes[start.step], start.block_seq) in enrollment.outcomes
        else start
    )


def _executing(
    program: Program, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> ResumePoint | None:
    if not enrollment.block_started:
        return None
    turn = max(int(number) for number in enrollment.block_started)
    began, entry = (
        enrollment.block_started[str(turn)],
        enrollment.block_entries.get(str(turn), program.entry),
    )
    node = waiting_step(program, entry, turn, enrollment.outcomes)
    if node is None:
        return None
    rest = pending_wait(node, began, profile, enrollment, settings)
    due = max(rest.until or began, began)
    fixed = keeps_due_time(node)
    return ResumePoint(timed_out_at(node), turn + 1, due, rest.since, node["id"], fixed)


class PendingDecisions(NamedTuple):
    """What a turn has come by before its wait: the mails, by the number of their visit, and whether
    all else is done."""

    mails: Mapping[str, int]
    done: bool


def pending_decisions(program: Program, enrollment: Enrollment) -> PendingDecisions:
    """What must have been decided before the newest turn really rests: a mail that SES has no time
    for, or a call that fails, is tried again for hours, and the wait behind it is known already."""
    turn = max(map(int, enrollment.block_started), default=0)
    entry = enrollment.block_entries.get(str(turn), program.entry)
    mails, done = {}, True
    for node in steps_taken(program, entry, turn, enrollment.outcomes):
        match flow_of(node).pending:
            case "in_ledger":
                mails[node["id"]] = visit_of(node, turn)
            case "until_outcome":
                done = done and outcome_key(node, turn) in enrollment.outcomes
            case "never":
                pass
            case _ as pending:
                assert_never(pending)
    return PendingDecisions(mails, done)


def map_step(step: str, later: Iterable[Program]) -> str:
    """What a step is called after these versions, the oldest first."""
    for program in later:
        step = renamed_steps(program).get(step, step)
    return step


def renamed_steps(program: Program) -> Mapping[str, str]:
    """The steps that a version has renamed."""
    steps: Mapping[str, str] = program.options.get("active_enrollments", {}).get(
        "renamed_steps", {}
    )
    return steps


def on_publish(program: Program) -> str:
    """What a version does to those inside on older ones."""
    return str(program.options.get("active_enrollments", {}).get("on_publish", "drain"))


def map_to_version(start: ResumePoint, later: Sequence[Program]) -> ResumePoint | None:
    """The same rest in the last of these versions; None if there is no such wait in it."""
    new = later[-1]
    if not start.step:
        return start._replace(block=new.entry) if start.block_seq == 0 else None
    node: Mapping[str, Any] = new.nodes.get(map_step(start.step, later), {})
    if not node or not is_wait(node):
        return None
    return start._replace(block=timed_out_at(node), step=node["id"])
