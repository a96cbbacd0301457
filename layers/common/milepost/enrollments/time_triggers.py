"""What comes for a contact by itself: birthdays, renewals, days of the year, silences.

An occasion is planned by a date or inactivity trigger of a live workflow, or by a schedule on the
contact's own clock. It has a key, which says what was planned and is the same for every workflow
that plans the same, and a mark, which tells one coming of it from the next: the day, the time on
the wall, or the last event before the silence. The contact's profile notes the newest mark of each
key that was reached, so nothing comes twice, whatever happens to clocks, zones and retries.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from milepost.base import instants
from milepost.base.dates import date_due, effective_zone
from milepost.base.durations import parse_duration
from milepost.base.paths import get_path
from milepost.base.recurrence import next_occurrence
from milepost.contacts.event import Event
from milepost.contacts.event_names import DATE, INACTIVE, REEVALUATED, SCHEDULE
from milepost.contacts.profile import NextCheck, Profile

DEFAULT_AT = "09:00"

MAX_FIRED = timedelta(days=2)
"""For so long the mark of what nobody plans is kept."""

Plan = Mapping[str, Any]
"""A trigger that plans, as a workflow says it."""


class DueTrigger(NamedTuple):
    """One occasion that comes for a contact at an instant."""

    name: str
    key: str
    occurrence: str
    at: datetime
    data: Mapping[str, Any]

    def event(self, profile: Profile) -> Event:
        """The event that it is. A function of the occasion, so that two who report it agree."""
        text = f"{self.key}\n{self.occurrence}"
        return Event(
            store=profile.store,
            id="o" + sha256(text.encode()).hexdigest()[:31],
            name=self.name,
            occurred_at=self.at,
            source="clock",
            identifiers={},
            data={**self.data, "occasion": self.key, "mark": self.occurrence},
        )


def time_trigger_key(plan: Plan) -> str:
    """What a trigger plans, in words; equal for triggers that plan the same."""
    if plan["type"] == "inactivity":
        return f"no {', '.join(sorted(set(plan['events'])))} for {plan['for']}"
    if plan["type"] == "schedule":
        zone = plan.get("timezone") or "store"
        return f"{plan.get('at') or plan['rrule']} {zone} {plan['segment']}"
    what = plan.get("field") or plan.get("day")
    zone = plan.get("timezone") or "contact"
    offset = f" {plan['offset']}" if plan.get("offset") else ""
    return f"{what}{offset} {plan.get('at', DEFAULT_AT)} {zone} {plan.get('repeat', 'yearly')}"


def next_due(
    profile: Profile, plans: Iterable[Plan], since: datetime, zone: str
) -> list[DueTrigger]:
    """The next occasion of each plan, none before `since`, the earliest first.

    `zone` is the store's, for contacts whose own is unknown.
    """
    by_key = {time_trigger_key(plan): plan for plan in plans}
    found = (_next(profile, key, plan, since, zone) for key, plan in by_key.items())
    return sorted((o for o in found if o is not None), key=lambda o: (o.at, o.key))


def due(profile: Profile, plans: Iterable[Plan], now: datetime, zone: str) -> list[DueTrigger]:
    """The occasions that have come since it was looked for them, the earliest first."""
    since = checked_until(profile, now)
    return [o for o in next_due(profile, plans, since, zone) if o.at <= now]


def checked_until(profile: Profile, now: datetime) -> datetime:
    """The instant before which nothing is left to come: what is later learned of is too late."""
    lookout = profile.next_check
    return lookout.since if lookout is not None and lookout.at <= now else now


def plan_next_check(profile: Profile, instant: datetime | None, now: datetime) -> NextCheck | None:
    """When to look at a contact again, if the next thing comes at `instant` (None: nothing does).

    A look that is already set and not too late is kept: an index that is moved with every order
    would cost more than a look in vain now and then.
    """
    held = profile.next_check
    if held is not None and held.at > now and (instant is None or held.since <= instant):
        return held
    return None if instant is None else NextCheck(instant, max(instant, now))


def is_reevaluation(event: Event) -> bool:
    """Whether an event is but the clock's, that has a contact looked at again."""
    return event.name == REEVALUATED and event.source == "clock"


def prune_fired(
    marks: Mapping[str, str], plans: Iterable[Plan], now: datetime
) -> Mapping[str, str]:
    """The marks that something still asks for: a profile is paid for by its size.

    One of these days stays, for `plans` may be older than what planned it. Every mark begins with
    a day.
    """
    keys, lately = (
        {time_trigger_key(plan) for plan in plans},
        instants.format_instant(now - MAX_FIRED),
    )
    return {key: mark for key, mark in marks.items() if key in keys or mark >= lately}


def _next(profile: Profile, key: str, plan: Plan, since: datetime, zone: str) -> DueTrigger | None:
    done = profile.fired.get(key, "")
    if plan["type"] == "inactivity":
        return _silence(profile, key, plan, since, done)
    if plan["type"] == "schedule":
        return _scheduled(profile, key, plan, since, done, zone)
    if done and "day" in plan and plan.get("repeat") == "once":
        return None
    for day in _days(profile, plan, since, zone):
        step = {"date": day.isoformat(), "at": DEFAULT_AT, **_moved(plan)}
        at = date_due(step, {}, profile.timezone, zone)
        if at is not None and at >= since and day.isoformat() > done:
            named = {name: plan[name] for name in ("field", "day") if plan.get(name)}
            return DueTrigger(DATE, key, day.isoformat(), at, {**named, "date": day.isoformat()})
    return None


def _scheduled(
    profile: Profile, key: str, plan: Plan, since: datetime, done: str, zone: str
) -> DueTrigger | None:
    """A schedule on the contact's own wall; its mark is the time that the wall shows."""
    if plan["segment"] not in profile.segment_state.segments:
        return None
    wall = effective_zone(profile.timezone, zone)
    at = next_occurrence(plan, since - timedelta(microseconds=1), wall.key)
    while at is not None:
        mark = at.astimezone(wall).isoformat(timespec="minutes")[:16]
        if mark > done:
            return DueTrigger(SCHEDULE, key, mark, at, {"segment": plan["segment"]})
        at = next_occurrence(plan, at, wall.key)
    return None


def _moved(plan: Plan) -> dict[str, Any]:
    return {name: plan[name] for name in ("offset", "at", "timezone") if plan.get(name)}


def _days(profile: Profile, plan: Plan, since: datetime, zone: str) -> Iterator[date]:
    """The days that a plan is about, in order, from well before `since`."""
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
    """A day of the year in the years around an instant; 29 February is the 28th in most."""
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
    """The day that a contact's field means; other people's data, so anything may stand there."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) == len("2026-11-22"):
            return date.fromisoformat(value)
        read = datetime.fromisoformat(value)
        wall = effective_zone(profile.timezone, zone)
        return (read.astimezone(wall) if read.tzinfo else read).date()
    except (ValueError, OverflowError):  # the calendar's first and last hours are in no other zone
        return None


def _silence(
    profile: Profile, key: str, plan: Plan, since: datetime, done: str
) -> DueTrigger | None:
    """A silence begins with the last of the events; whoever never did any cannot fall silent."""
    last = max(
        (total.last for name, total in profile.totals.items() if name in plan["events"]),
        default=None,
    )
    if last is None:
        return None
    mark = instants.format_instant(last)
    at = last + parse_duration(plan["for"])
    if at < since or mark <= done:
        return None
    return DueTrigger(INACTIVE, key, mark, at, {"for": plan["for"], "last": mark})
