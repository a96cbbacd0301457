"""Whether and how enrollments move to another version of their workflow."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, assert_never

from milepost.base import times
from milepost.base.problems import Problem, did_you_mean
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
from milepost.enrollments.program import (
    Node,
    PendingWait,
    Program,
    WaitContext,
    flow_of,
    follows,
    is_wait,
    keeps_due_time,
    outcome_key,
    timed_out_at,
    visit_of,
)
from milepost.stores.settings import StoreSettings


def check_migration(new: Program, older: Sequence[Program]) -> Iterator[Problem]:
    """Problems of migrating enrollments of the older versions (newest first) to the new one."""
    if on_publish(new) != "migrate" or not older:
        return
    places = [name for name, node in new.nodes.items() if is_wait(node)]
    reported = set()
    for number, program in enumerate(older):
        later = [*reversed(older[:number]), new]
        for name, node in program.nodes.items():
            target = map_step(name, later)
            if not is_wait(node) or target in places or (name, target) in reported:
                continue
            reported.add((name, target))
            reason = f'people may wait at "{name}" of version {program.version}, '
            if target in new.nodes:
                reason += f'and "{target}" is no wait'
            else:
                reason += f'and there is no step "{target}"'
            remedy = (
                f'keep it, or say where they go on: "renamed_steps": {{"{name}": "..."}}; '
                + did_you_mean(target, places)
            )
            yield Problem("active_enrollments.renamed_steps", reason, remedy.removesuffix("; "))
    known = {name for program in older for name in program.nodes}
    for name in renamed_steps(new):
        if name not in known:
            reason = f'no version that people may be in has a step "{name}"'
            yield Problem(
                f"active_enrollments.renamed_steps.{name}",
                reason,
                did_you_mean(name, sorted(known)),
            )
        elif not any(name in p.nodes and is_wait(p.nodes[name]) for p in older):
            reason = f'"{name}" is no wait, and only waits can go on under another id'
            remedy = "keep its id: what it came to, and the mail it sent, are known by that"
            yield Problem(f"active_enrollments.renamed_steps.{name}", reason, remedy)


TIMESTAMP_RESOLUTION = timedelta(milliseconds=1)
"""Instants are kept to the millisecond."""


def pending_wait(
    node: Node, began: datetime, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> PendingWait:
    """The wait at which a block run that started at `began` has stopped."""
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
    """The instant from which a wait counts events: after an event that ended an earlier wait.

    The shop's clock may be ahead, so that event could seem to be in the block that it started.
    """
    outcomes = enrollment.outcomes.values()
    used = [o["at"] for o in outcomes if o.get("event") == event and "at" in o]
    return max([began, *(times.parse_instant(at) + TIMESTAMP_RESOLUTION for at in used)])


def changed_date_fields(event: Event) -> frozenset[str]:
    """The fields of a contact that an event changes and on which a date may depend."""
    changed = {f"properties.{name}" for name in event.contact.properties}
    changed |= {change.name for change in event.contact.changes}
    return frozenset(changed | event.contact.fields.keys())


def is_rescheduled_by(node: Node, changed: Collection[str]) -> bool:
    """Whether a change of these fields moves the date for which a node waits."""
    return not follows(node).isdisjoint(changed)


def is_newer(profile: Profile, seen: Profile, node: Node) -> bool:
    """Whether the date of a node was set after the profile `seen` was read."""
    nothing = (None, "", "")
    return any(
        profile.fields.get(name, nothing)[1:] > seen.fields.get(name, nothing)[1:]
        for name in follows(node)
    )


def current_resume_point(
    program: Program, profile: Profile, enrollment: Enrollment, settings: StoreSettings
) -> ResumePoint | None:
    """Where an enrollment would continue after its current wait; None while a block runs.

    The `block` is the one after the time-out, because an event would have ended the wait.
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
    newest = max(int(number) for number in enrollment.block_started)
    began = enrollment.block_started[str(newest)]
    entry = enrollment.block_entries.get(str(newest), program.entry)
    node = waiting_step(program, entry, newest, enrollment.outcomes)
    if node is None:
        return None
    wait = pending_wait(node, began, profile, enrollment, settings)
    due = max(wait.until or began, began)
    fixed = keeps_due_time(node)
    return ResumePoint(timed_out_at(node), newest + 1, due, wait.since, node["id"], fixed)


class PendingDecisions(NamedTuple):
    """The steps of a block run before its wait: the e-mails with their visit numbers, and whether
    all other steps are done."""

    mails: Mapping[str, int]
    done: bool


def pending_decisions(program: Program, enrollment: Enrollment) -> PendingDecisions:
    """What must be decided before the newest block run really waits: a throttled e-mail or a
    failing call is retried for hours, although the wait after it is already known."""
    newest = max(map(int, enrollment.block_started), default=0)
    entry = enrollment.block_entries.get(str(newest), program.entry)
    mails, done = {}, True
    for node in steps_taken(program, entry, newest, enrollment.outcomes):
        match flow_of(node).pending:
            case "in_ledger":
                mails[node["id"]] = visit_of(node, newest)
            case "until_outcome":
                done = done and outcome_key(node, newest) in enrollment.outcomes
            case "never":
                pass
            case _ as pending:
                assert_never(pending)
    return PendingDecisions(mails, done)


def map_step(step: str, later: Iterable[Program]) -> str:
    """The id of a step after these versions, the oldest first."""
    for program in later:
        step = renamed_steps(program).get(step, step)
    return step


def renamed_steps(program: Program) -> Mapping[str, str]:
    """The new ids of steps that a version has renamed."""
    steps: Mapping[str, str] = program.options.get("active_enrollments", {}).get(
        "renamed_steps", {}
    )
    return steps


def on_publish(program: Program) -> str:
    """What a version does with active enrollments of older ones."""
    return str(program.options.get("active_enrollments", {}).get("on_publish", "drain"))


def map_to_version(start: ResumePoint, later: Sequence[Program]) -> ResumePoint | None:
    """The same wait in the last of these versions; None if the version does not contain it."""
    new = later[-1]
    if not start.step:
        return start._replace(block=new.entry) if start.block_seq == 0 else None
    node: Mapping[str, Any] = new.nodes.get(map_step(start.step, later), {})
    if not node or not is_wait(node):
        return None
    return start._replace(block=timed_out_at(node), step=node["id"])
