"""Compute when a schedule is due: once, or by a recurrence rule (RFC 5545), in local time."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from milepost.base.dates import find_zone, local_instant
from milepost.base.times import format_duration

RRULE_ANCHOR = datetime.combine(date(2024, 1, 1), time(9))
"""A Monday at nine. A rule without a start, such as every other week, counts from here."""

MIN_INTERVAL = timedelta(hours=1)
"""A mistake in a rule must not become a flood of mail."""

MAX_OCCURRENCES_CHECKED = 50
"""How many occurrences `check_rule` compares."""

_SHAPE = re.compile(
    r"(DTSTART:\d{8}T\d{4}(\d\d)?\s+)?(RRULE:)?FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY)"
    r"(;[A-Z]+=[A-Z0-9,+-]+)*"
)
"""No finer than days: the search for a rule that never occurs would take hours in seconds."""

Schedule = Mapping[str, Any]
"""A schedule trigger of a workflow: `at` or `rrule`, and an optional `timezone`."""


def next_occurrence(schedule: Schedule, after: datetime, zone: str) -> datetime | None:
    """The first instant (UTC) later than `after` at which a schedule is due; None if there is none.

    `zone` is the store's or the contact's. A local time that a clock change skips moves past the
    gap; one that it repeats is due once.
    """
    wall = find_zone(zone) or ZoneInfo("UTC")
    if schedule.get("at"):
        instant = _instant(datetime.fromisoformat(schedule["at"]), wall)
        return instant if instant > after else None
    rule = _rule(schedule["rrule"])
    moment = after.astimezone(wall).replace(tzinfo=None) - timedelta(days=1)
    while (moment := rule.after(moment)) is not None:
        instant = _instant(moment, wall)
        if instant > after:
            return instant
    return None


def check_rule(text: str) -> None:
    """Raise ValueError, with the remedy, for an invalid or too frequent recurrence."""
    if "COUNT=" in text and "DTSTART" not in text:
        raise ValueError("COUNT counts from a beginning: say one, as in DTSTART:20270104T090000")
    rule = _rule(text)
    moments = [*islice(rule, MAX_OCCURRENCES_CHECKED)]
    if not moments:
        raise ValueError(f"{text!r} never comes round")
    closest = min((b - a for a, b in pairwise(moments)), default=MIN_INTERVAL)
    if closest < MIN_INTERVAL:
        raise ValueError(
            f"{text!r} comes round every {format_duration(closest)}: leave at least "
            f"{format_duration(MIN_INTERVAL)} between two (is BYHOUR or BYMINUTE missing?)"
        )


def _rule(text: str) -> Any:
    from dateutil.rrule import rrulestr  # only stores with a schedule need it

    remedy = "write it like FREQ=WEEKLY;BYDAY=TH;BYHOUR=9;BYMINUTE=0"
    if not _SHAPE.fullmatch(text):
        raise ValueError(f"{text!r} is no recurrence (RFC 5545) in days or longer: {remedy}")
    try:
        return rrulestr("\n".join(text.split()), dtstart=RRULE_ANCHOR, ignoretz=True)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"{text!r} is no recurrence (RFC 5545): {error}; {remedy}") from None


def _instant(moment: datetime, wall: ZoneInfo) -> datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    always = datetime.min.replace(tzinfo=UTC)
    return local_instant(
        moment.date(), time(moment.hour, moment.minute, moment.second), wall, always
    )
