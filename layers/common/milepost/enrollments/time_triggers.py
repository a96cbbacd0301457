"""What comes for a contact by itself: birthdays, renewals, days of the year, silences.

A time trigger has a key, which says what was planned, and a mark, which tells one coming of it from
the next: the day, the time on the wall, or the last event before the silence. The contact's profile
notes the newest mark of each key that was reached, so nothing comes twice, whatever happens to
clocks, zones and retries.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from milepost.base import instants
from milepost.contacts.event import Event
from milepost.contacts.event_names import REEVALUATED
from milepost.contacts.profile import NextCheck, Profile
from milepost.enrollments.due_triggers import Ask, DueTrigger, Plan
from milepost.enrollments.trigger_types import flow_of_trigger

MAX_FIRED = timedelta(days=2)
"""For so long the mark of what nobody plans is kept."""


def time_trigger_key(plan: Plan) -> str:
    """What a trigger plans, in words; equal for triggers that plan the same."""
    timing = flow_of_trigger(plan).timing
    if timing is None:
        raise ValueError(f"nothing comes by itself for a trigger {plan['type']}")
    return timing.key(plan)


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
    timing, done = flow_of_trigger(plan).timing, profile.fired.get(key, "")
    return timing.comes(Ask(profile, plan, key, since, done, zone)) if timing else None
