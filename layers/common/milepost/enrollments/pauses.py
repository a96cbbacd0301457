"""Pauses: while a workflow or its store is paused, the waits of active enrollments stand still."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from milepost.base import times
from milepost.enrollments.enrollment import Enrollment, ResumePoint, resumed_at, waiting_step
from milepost.enrollments.program import Program, keeps_due_time, outcome_key

MAX_PAUSES = 100
"""The most pauses that are stored. Older ones no longer prolong a wait."""


class Pause(NamedTuple):
    """`ended` is None while the pause lasts."""

    began: datetime
    ended: datetime | None = None


def with_pause_state(pauses: Sequence[Pause], paused: bool, now: datetime) -> tuple[Pause, ...]:
    """The pauses after a change to `paused`."""
    lasting = bool(pauses) and pauses[-1].ended is None
    if paused == lasting:
        return tuple(pauses)
    if lasting:
        return (*pauses[:-1], pauses[-1]._replace(ended=now))
    return (*pauses[-MAX_PAUSES + 1 :], Pause(now))


def paused_time(pauses: Iterable[Pause], since: datetime, now: datetime) -> timedelta:
    """The paused time between two instants."""
    total, counted = timedelta(0), since
    for pause in sorted(pauses):
        begin, end = max(pause.began, counted), min(pause.ended or now, now)
        if end > begin:
            total, counted = total + (end - begin), end
    return total


def delay_for_pause(
    start: ResumePoint, pauses: Sequence[Pause], now: datetime
) -> ResumePoint | None:
    """The later resume point of an execution or block run that is due; None if it may start now.

    During a pause the new time is not known yet, so `due` stays.
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
    """The resume point after a pause, with the time that was left when the pause began."""
    due = start.due + paused_time(pauses, start.since, now)
    return start._replace(due=max(due, now), since=now, fixed=False)


def reschedule_overdue(start: ResumePoint, pauses: Sequence[Pause], now: datetime) -> ResumePoint:
    """The resume point of a migrated enrollment whose due time may have passed.

    If a pause delayed it, `due` stays, because `delay_for_pause` adds the pause; a fixed date
    within the pause moves too. Otherwise the enrollment is late and continues now.
    """
    if start.due >= now or any(pause.ended is None for pause in pauses):
        return start
    if not paused_time(pauses, start.since, now):
        return start._replace(due=now)
    earlier = [pause.began for pause in pauses if pause.began <= start.due]
    return start._replace(since=max([start.since, *earlier]), fixed=False) if start.fixed else start


def resume_point_of_run(
    program: Program, enrollment: Enrollment, entry: str, number: int, now: datetime
) -> ResumePoint:
    """The resume point of the block run that starts now."""
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
            times.format_instant(p.began),
            None if p.ended is None else times.format_instant(p.ended),
        ]
        for p in pauses
    ]


def pauses_from_json(pauses: Iterable[Sequence[str | None]]) -> tuple[Pause, ...]:
    return tuple(
        Pause(times.parse_instant(str(began)), times.parse_instant(ended) if ended else None)
        for began, ended in pauses
    )
