"""Pauses: while a workflow or its store is paused the time of those inside stands still."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from milepost.base import instants
from milepost.enrollments.enrollment import Enrollment, ResumePoint, resumed_at, waiting_step
from milepost.enrollments.program import Program, outcome_key
from milepost.enrollments.step_flow import keeps_due_time

MAX_PAUSES = 100
"""Pauses that are remembered; the rest of somebody who slept through more is not prolonged by the
oldest."""


class Pause(NamedTuple):
    """`ended` is None while it lasts."""

    began: datetime
    ended: datetime | None = None


def with_pause_state(pauses: Sequence[Pause], paused: bool, now: datetime) -> tuple[Pause, ...]:
    """The pauses when it has been said whether there is one now."""
    lasting = bool(pauses) and pauses[-1].ended is None
    if paused == lasting:
        return tuple(pauses)
    if lasting:
        return (*pauses[:-1], pauses[-1]._replace(ended=now))
    return (*pauses[-MAX_PAUSES + 1 :], Pause(now))


def paused_time(pauses: Iterable[Pause], since: datetime, now: datetime) -> timedelta:
    """How much of the time between two instants lies in a pause."""
    total, counted = timedelta(0), since
    for pause in sorted(pauses):
        begin, end = max(pause.began, counted), min(pause.ended or now, now)
        if end > begin:
            total, counted = total + (end - begin), end
    return total


def delay_for_pause(
    start: ResumePoint, pauses: Sequence[Pause], now: datetime
) -> ResumePoint | None:
    """A leg or a turn that is due: when it really is, or None if that is now.

    While there is a pause it is not known, and `due` stays what it would have been.
    """
    if any(pause.ended is None for pause in pauses):
        lasting = max(pause.began for pause in pauses if pause.ended is None)
        since = max(start.since, lasting) if start.fixed else start.since
        return start._replace(since=since)
    if start.fixed:
        return None
    due = start.due + paused_time(pauses, start.since, now)
    return start._replace(due=due, since=now) if due > now else None


def resume_after_pause(start: ResumePoint, pauses: Iterable[Pause], now: datetime) -> ResumePoint:
    """When somebody who was frozen goes on: with the time that was left when the pause began."""
    due = start.due + paused_time(pauses, start.since, now)
    return start._replace(due=max(due, now), since=now, fixed=False)


def reschedule_overdue(start: ResumePoint, pauses: Sequence[Pause], now: datetime) -> ResumePoint:
    """The same rest for somebody who is looked at when its time may have come already.

    If a pause kept them, `due` stays what it was, for `delay_for_pause` adds the pause to that; a
    date that came in the pause is moved by it like any other time. Else they are late, and go on
    now.
    """
    if start.due >= now or any(pause.ended is None for pause in pauses):
        return start
    if not paused_time(pauses, start.since, now):
        return start._replace(due=now)
    kept_by = [pause.began for pause in pauses if pause.began <= start.due]
    return start._replace(since=max([start.since, *kept_by]), fixed=False) if start.fixed else start


def resume_point_of_run(
    program: Program, enrollment: Enrollment, entry: str, number: int, now: datetime
) -> ResumePoint:
    """What the turn that begins now would be if a leg began with it."""
    start = enrollment.resume_point
    if start is not None and start.block_seq == number:
        return start
    before = str(number - 1)
    if before not in enrollment.block_started:
        return ResumePoint(entry, number, now, now)
    node = waiting_step(
        program,
        enrollment.block_entries.get(before, program.entry),
        number - 1,
        enrollment.outcomes,
    )
    fixed = node is not None and (
        keeps_due_time(node) or outcome_key(node, number) in enrollment.outcomes
    )
    step = node["id"] if node else ""
    since = resumed_at(enrollment, enrollment.block_started[before])
    return ResumePoint(entry, number, now, since, step, fixed)


def pauses_to_json(pauses: Iterable[Pause]) -> list[list[str | None]]:
    return [
        [
            instants.format_instant(p.began),
            None if p.ended is None else instants.format_instant(p.ended),
        ]
        for p in pauses
    ]


def pauses_from_json(held: Iterable[Sequence[str | None]]) -> tuple[Pause, ...]:
    return tuple(
        Pause(instants.parse_instant(str(began)), instants.parse_instant(ended) if ended else None)
        for began, ended in held
    )
