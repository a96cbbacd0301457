"""When a schedule comes round: one time, or a recurrence (RFC 5545), on a wall clock."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from milepost.base.dates import find_zone, local_instant
from milepost.base.durations import format_duration

RRULE_ANCHOR = datetime.combine(date(2024, 1, 1), time(9))
"""A Monday at nine: where a recurrence is counted from that does not say, as every other week."""

MIN_INTERVAL = timedelta(hours=1)
"""Nobody wants mail more often, and a slip in a rule must not become a flood."""

MAX_OCCURRENCES_CHECKED = 50
"""Occurrences in a row whose distance is looked at."""

_SHAPE = re.compile(
    r"(DTSTART:\d{8}T\d{4}(\d\d)?\s+)?(RRULE:)?FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY)"
    r"(;[A-Z]+=[A-Z0-9,+-]+)*"
)
"""No finer than days: looking for what never comes round would take hours in seconds."""

Schedule = Mapping[str, Any]
"""A schedule trigger, as a workflow says it: `at` or `rrule`, perhaps `timezone`."""


def next_occurrence(schedule: Schedule, after: datetime, zone: str) -> datetime | None:
    """The first instant (UTC) after another at which a schedule comes round; None if it never does.

    `zone` is the clock that counts: the store's, or that of a contact. A time that a change of
    clocks skips comes after the gap, one that it repeats comes once.
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
    """Raise ValueError, with the remedy, for what is no recurrence or one that comes too often."""
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
    from dateutil.rrule import rrulestr  # only a store that has a schedule needs it

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
