"""Compute when a date, inactivity or schedule trigger fires next for a contact.

Equal triggers have the same key, in every workflow.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from milepost.base import times
from milepost.base.dates import date_due, effective_zone
from milepost.base.paths import get_path
from milepost.base.recurrence import next_occurrence
from milepost.base.times import parse_duration
from milepost.contacts.event import Event
from milepost.contacts.event_names import DATE, INACTIVE, SCHEDULE
from milepost.contacts.profile import Profile

DEFAULT_AT = "09:00"

Plan = Mapping[str, Any]
"""A time trigger as it is written in the workflow."""


class DueTrigger(NamedTuple):
    """One occurrence of a time trigger for a contact."""

    name: str
    key: str
    occurrence: str
    at: datetime
    data: Mapping[str, Any]

    def event(self, profile: Profile) -> Event:
        """The event of this occurrence. Repetitions have the same id."""
        text = f"{self.key}\n{self.occurrence}"
        return Event(
            store=profile.store,
            id="o" + sha256(text.encode()).hexdigest()[:31],
            name=self.name,
            occurred_at=self.at,
            source="clock",
            identifiers={},
            data={**self.data, "time_trigger_key": self.key, "occurrence": self.occurrence},
        )


class Ask(NamedTuple):
    """The input for the next occurrence: not before `since`, and after the occurrence `done`.

    `zone` is the store's, for contacts without a known time zone.
    """

    profile: Profile
    plan: Plan
    key: str
    since: datetime
    done: str
    zone: str


def next_schedule(ask: Ask) -> DueTrigger | None:
    """A schedule in the contact's time zone; its occurrence is the local time."""
    profile, plan = ask.profile, ask.plan
    if plan["segment"] not in profile.segment_state.segments:
        return None
    wall = effective_zone(profile.timezone, ask.zone)
    at = next_occurrence(plan, ask.since - timedelta(microseconds=1), wall.key)
    while at is not None:
        mark = at.astimezone(wall).isoformat(timespec="minutes")[:16]
        if mark > ask.done:
            return DueTrigger(SCHEDULE, ask.key, mark, at, {"segment": plan["segment"]})
        at = next_occurrence(plan, at, wall.key)
    return None


def schedule_key(plan: Plan) -> str:
    return f"{plan.get('at') or plan['rrule']} {plan.get('timezone') or 'store'} {plan['segment']}"


def next_date(ask: Ask) -> DueTrigger | None:
    """The next occurrence of a date of the contact or a day of the year."""
    profile, plan, since, done = ask.profile, ask.plan, ask.since, ask.done
    if done and "day" in plan and plan.get("repeat") == "once":
        return None
    for day in _days(profile, plan, since, ask.zone):
        step = {"date": day.isoformat(), "at": DEFAULT_AT, **_moved(plan)}
        at = date_due(step, {}, profile.timezone, ask.zone)
        if at is not None and at >= since and day.isoformat() > done:
            named = {name: plan[name] for name in ("field", "day") if plan.get(name)}
            data = {**named, "date": day.isoformat()}
            return DueTrigger(DATE, ask.key, day.isoformat(), at, data)
    return None


def date_key(plan: Plan) -> str:
    what = plan.get("field") or plan.get("day")
    zone = plan.get("timezone") or "contact"
    offset = f" {plan['offset']}" if plan.get("offset") else ""
    return f"{what}{offset} {plan.get('at', DEFAULT_AT)} {zone} {plan.get('repeat', 'yearly')}"


def _moved(plan: Plan) -> dict[str, Any]:
    return {name: plan[name] for name in ("offset", "at", "timezone") if plan.get(name)}


def _days(profile: Profile, plan: Plan, since: datetime, zone: str) -> Iterator[date]:
    """The days of a trigger in order, starting well before `since`."""
    if "day" in plan:
        month, number = map(int, plan["day"].split("-"))
        yield from _returns(month, number, date.min, plan, since)
        return
    day = _date_of(get_path(profile.as_data(), plan["field"]), profile, zone)
    if day is None:
        return
    if plan.get("repeat", "yearly") == "once":
        yield day
    else:
        yield from _returns(day.month, day.day, day, plan, since)


def _returns(month: int, number: int, first: date, plan: Plan, since: datetime) -> Iterator[date]:
    """A day of the year in the years around an instant; February 29 becomes 28 in other years."""
    shift = parse_duration((plan.get("offset") or "0 seconds").removeprefix("-"))
    years = shift.days // 365 + 2
    for year in range(max(since.year - years, 1), min(since.year + years, 9999) + 1):
        try:
            day = date(year, month, number)
        except ValueError:
            day = date(year, 2, 28)
        if day >= first:
            yield day


def _date_of(value: Any, profile: Profile, zone: str) -> date | None:
    """The day in a contact's field; None if the value, which the shop supplies, is not a date."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) == len("2026-11-22"):
            return date.fromisoformat(value)
        read = datetime.fromisoformat(value)
        wall = effective_zone(profile.timezone, zone)
        return (read.astimezone(wall) if read.tzinfo else read).date()
    except (ValueError, OverflowError):  # the calendar's first and last hours may not convert
        return None


def next_inactivity(ask: Ask) -> DueTrigger | None:
    """Inactivity counts from the last of the events; without any, the contact is not inactive."""
    plan, totals = ask.plan, ask.profile.totals
    last = max((t.last for name, t in totals.items() if name in plan["events"]), default=None)
    if last is None:
        return None
    mark = times.format_instant(last)
    at = last + parse_duration(plan["for"])
    if at < ask.since or mark <= ask.done:
        return None
    return DueTrigger(INACTIVE, ask.key, mark, at, {"for": plan["for"], "last": mark})


def inactivity_key(plan: Plan) -> str:
    return f"no {', '.join(sorted(set(plan['events'])))} for {plan['for']}"
