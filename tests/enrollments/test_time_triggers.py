"""Time triggers of a contact: on which day, at which time, and once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base import times
from milepost.base.dates import find_zone
from milepost.contacts.profile import EventTotal, NextCheck, Profile, apply_event
from milepost.contacts.segment_state import Membership, SegmentState
from milepost.enrollments.due_triggers import DueTrigger
from milepost.enrollments.trigger_types import (
    checked_until,
    due,
    next_due,
    plan_next_check,
    prune_fired,
    time_trigger_key,
)
from milepost.stores.settings import StoreSettings
from tests.support.builders import MONDAY_NOON, STORE, contact, event

Json = dict[str, Any]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BIRTHDAY: Json = {"type": "date", "field": "properties.birthday"}
WOMENS_DAY: Json = {"type": "date", "day": "03-08"}
SILENCE: Json = {"type": "inactivity", "events": ["Order Completed", "Viewed"], "for": "90 days"}


def born(day: Any, zone: str | None = None, **known: Any) -> Profile:
    at = times.format_instant(MONDAY_NOON)
    fields = {"properties.birthday": (day, at, "e")} | (
        {"timezone": (zone, at, "e")} if zone else {}
    )
    return Profile(STORE, contact(), fields=fields, **known)


def did(name: str, last: datetime, **known: Any) -> Profile:
    return Profile(STORE, contact(), totals={name: EventTotal(1, last, last, Decimal(0))}, **known)


def next_time(
    plan: Json, profile: Profile, since: datetime = MONDAY_NOON, zone: str = "UTC"
) -> str:
    found = next_due(profile, [plan], since, zone)
    return times.format_instant(found[0].at).removesuffix(":00.000Z") if found else "never"


@pytest.mark.parametrize(
    ("plan", "day", "zone", "at"),
    [
        ({}, "1990-12-24", None, "2026-12-24T09:00"),
        ({}, "1990-11-02", None, "2027-11-02T09:00"),
        ({"at": "12:00"}, "1990-11-02", None, "2026-11-02T12:00"),
        ({"offset": "-3 days"}, "1990-12-24", None, "2026-12-21T09:00"),
        ({"offset": "-3 days"}, "1990-01-02", None, "2026-12-30T09:00"),
        ({"offset": "2 days", "at": "07:15"}, "1990-12-31", None, "2027-01-02T07:15"),
        ({}, "1990-12-24", "Asia/Tehran", "2026-12-24T05:30"),
        ({}, "1990-12-24", "America/New_York", "2026-12-24T14:00"),
        ({"timezone": "Asia/Tokyo"}, "1990-12-24", "America/New_York", "2026-12-24T00:00"),
        ({"timezone": "store"}, "1990-12-24", "America/New_York", "2026-12-24T09:00"),
        ({}, "1990-12-24", "Mars/Olympus", "2026-12-24T09:00"),
        ({}, "1992-02-29", None, "2027-02-28T09:00"),
        ({}, "2027-05-01", None, "2027-05-01T09:00"),
        ({}, "2030-05-01", None, "never"),
        ({"repeat": "once"}, "2030-05-01", None, "2030-05-01T09:00"),
        ({"repeat": "once"}, "1990-12-24", None, "never"),
        ({}, "1990-12-24T23:30:00-05:00", "Europe/Paris", "2026-12-25T08:00"),
        ({}, "soon", None, "never"),
        ({}, "0001-01-01T00:00:00Z", "America/New_York", "never"),
        ({}, "9999-12-31T23:59:59Z", "Europe/Berlin", "never"),
        ({}, "0001-01-01T00:00:00+14:00", "Europe/Berlin", "never"),
        ({}, 19901224, None, "never"),
        ({}, None, None, "never"),
        ({}, "1990-02-30", None, "never"),
    ],
)
def test_date_of_the_contact_fires(plan: Json, day: Any, zone: str | None, at: str) -> None:
    assert next_time({**BIRTHDAY, **plan}, born(day, zone)) == at


def test_day_of_the_year_fires_in_each_contacts_time_zone() -> None:
    assert next_time(WOMENS_DAY, born(None)) == "2027-03-08T09:00"
    assert next_time(WOMENS_DAY, born(None, "Asia/Shanghai")) == "2027-03-08T01:00"
    assert (
        next_time(WOMENS_DAY, Profile(STORE, contact()), zone="Asia/Taipei") == "2027-03-08T01:00"
    )


def test_leap_day_fires_on_february_28_in_other_years() -> None:
    plan = {"type": "date", "day": "02-29"}
    days = [
        next_time(plan, born(None), datetime(year, 1, 1, tzinfo=UTC)) for year in (2027, 2028, 2100)
    ]
    assert days == ["2027-02-28T09:00", "2028-02-29T09:00", "2100-02-28T09:00"]


def test_time_skipped_by_the_clock_change_still_fires() -> None:
    plan = {"type": "date", "day": "03-28", "at": "02:30", "timezone": "Europe/Paris"}
    assert next_time(plan, born(None)) == "2027-03-28T01:30"


def test_inactivity_counts_from_the_last_of_the_events() -> None:
    last = MONDAY_NOON - 80 * DAY
    profile = replace(
        did("Order Completed", last - 5 * DAY),
        totals={**did("Order Completed", last - DAY).totals, **did("Viewed", last).totals},
    )
    assert next_time(SILENCE, profile) == "2026-11-12T12:00"


def test_contact_without_the_events_is_not_inactive() -> None:
    assert next_time(SILENCE, did("Email Opened", MONDAY_NOON)) == "never"


def test_inactivity_reached_before_the_check_does_not_fire() -> None:
    assert next_time(SILENCE, did("Viewed", MONDAY_NOON - 200 * DAY)) == "never"


def with_fired(profile: Profile, due_trigger: DueTrigger) -> Profile:
    return apply_event(profile, due_trigger.event(profile), StoreSettings())


@pytest.mark.parametrize("plan", [BIRTHDAY, WOMENS_DAY, {**BIRTHDAY, "offset": "-40 days"}])
def test_yearly_date_fires_once_a_year(plan: Json) -> None:
    profile, since, days = born("1990-03-08"), MONDAY_NOON, []
    for _ in range(4):
        (due_trigger,) = next_due(profile, [plan], since, "UTC")
        days.append(due_trigger.occurrence)
        profile = with_fired(profile, due_trigger)
        since = due_trigger.at  # the very instant again: the mark alone tells
    assert days == ["2027-03-08", "2028-03-08", "2029-03-08", "2030-03-08"]


def test_date_without_repetition_fires_once() -> None:
    for plan in (WOMENS_DAY, BIRTHDAY):
        once = {**plan, "repeat": "once"}
        profile = born("2027-03-08")
        (due_trigger,) = next_due(profile, [once], MONDAY_NOON, "UTC")
        assert next_due(with_fired(profile, due_trigger), [once], due_trigger.at, "UTC") == []


def test_changed_date_fires_once_more() -> None:
    once = {**BIRTHDAY, "repeat": "once"}
    (due_trigger,) = next_due(born("2027-03-08"), [once], MONDAY_NOON, "UTC")
    moved = replace(born("2027-04-01"), fired=with_fired(born("2027-03-08"), due_trigger).fired)
    assert next_time(once, moved, due_trigger.at) == "2027-04-01T09:00"


def test_time_zone_change_does_not_repeat_a_date() -> None:
    profile = born("1990-12-24", "Asia/Tokyo")
    (due_trigger,) = next_due(profile, [BIRTHDAY], MONDAY_NOON, "UTC")
    west = replace(
        born("1990-12-24", "America/Los_Angeles"), fired=with_fired(profile, due_trigger).fired
    )
    assert next_time(BIRTHDAY, west, due_trigger.at) == "2027-12-24T17:00"


NEWSLETTER: Json = {
    "type": "schedule",
    "rrule": "FREQ=WEEKLY;BYDAY=TH;BYHOUR=11",
    "segment": "readers",
    "timezone": "contact",
}
INSIDE = SegmentState(segments={"readers": Membership(MONDAY_NOON, "e")})


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Asia/Taipei", "2026-11-05T03:00"),
        ("America/New_York", "2026-11-05T16:00"),
        (None, "2026-11-05T11:00"),
    ],
)
def test_schedule_fires_in_contacts_time_zone_for_segment_members(
    zone: str | None, at: str
) -> None:
    assert next_time(NEWSLETTER, born(None, zone, segment_state=INSIDE)) == at
    assert next_time(NEWSLETTER, born(None, zone)) == "never"


def test_time_zone_change_does_not_repeat_a_broadcast() -> None:
    profile = born(None, "Asia/Taipei", segment_state=INSIDE)
    (due_trigger,) = next_due(profile, [NEWSLETTER], MONDAY_NOON, "UTC")
    west = born(None, "America/New_York", segment_state=INSIDE)
    west = replace(west, fired=with_fired(profile, due_trigger).fired)
    assert next_time(NEWSLETTER, west, due_trigger.at) == "2026-11-12T16:00"


def test_key_is_equal_exactly_for_equal_triggers() -> None:
    plans = [
        BIRTHDAY,
        {**BIRTHDAY, "offset": "-3 days"},
        {**BIRTHDAY, "at": "10:00"},
        {**BIRTHDAY, "timezone": "store"},
        {**BIRTHDAY, "repeat": "once"},
        WOMENS_DAY,
        SILENCE,
        {**SILENCE, "for": "91 days"},
        {**SILENCE, "events": ["Viewed"]},
    ]
    assert len({time_trigger_key(plan) for plan in plans}) == len(plans)
    spelled = {**BIRTHDAY, "at": "09:00", "timezone": "contact", "repeat": "yearly"}
    assert time_trigger_key(spelled) == time_trigger_key(BIRTHDAY)
    turned = {**SILENCE, "events": ["Viewed", "Order Completed"]}
    assert time_trigger_key(turned) == time_trigger_key(SILENCE)


def test_event_of_an_occurrence_is_the_same_on_every_report() -> None:
    (due_trigger,) = next_due(born("1990-12-24"), [BIRTHDAY], MONDAY_NOON, "UTC")
    happened = due_trigger.event(born("1990-12-24"))
    assert happened == due_trigger.event(born("1990-12-24", last_sequence=7))
    assert (happened.name, happened.source, happened.occurred_at) == (
        "Date Reached",
        "clock",
        datetime(2026, 12, 24, 9, tzinfo=UTC),
    )
    assert happened.data == {
        "field": "properties.birthday",
        "date": "2026-12-24",
        "occurrence": "2026-12-24",
        "time_trigger_key": "properties.birthday 09:00 contact yearly",
    }


def test_only_clock_events_mark_an_occurrence_as_fired() -> None:
    forged = event("Date Reached", {"time_trigger_key": "x", "occurrence": "9999-12-31"})
    assert apply_event(born(None), forged, StoreSettings()).fired == {}


def test_fired_marks_are_kept_while_a_trigger_needs_them() -> None:
    kept = {time_trigger_key(BIRTHDAY): "2026-01-24", "just gone": "2026-11-01"}
    marks = {**kept, "gone": "2026-10-31"}
    assert prune_fired(marks, [BIRTHDAY, SILENCE], MONDAY_NOON) == kept


def test_due_returns_all_occurrences_since_the_last_check() -> None:
    since = MONDAY_NOON - HOUR
    plans = [
        {"type": "date", "day": "11-02", "at": at, "timezone": "store"}
        for at in ("10:59", "11:00", "12:00", "12:01")
    ]
    profile = born(None, next_check=NextCheck(since, since))
    assert [o.at.strftime("%H:%M") for o in due(profile, plans, MONDAY_NOON, "UTC")] == [
        "11:00",
        "12:00",
    ]
    assert due(born(None), plans[:2], MONDAY_NOON, "UTC") == []


def test_next_check_is_moved_only_when_necessary() -> None:
    now, later = MONDAY_NOON, MONDAY_NOON + DAY
    held = NextCheck(later, later)
    profile = born(None, next_check=held)
    assert plan_next_check(profile, later + DAY, now) == held
    assert plan_next_check(profile, None, now) == held
    assert plan_next_check(profile, later - HOUR, now) == NextCheck(later - HOUR, later - HOUR)
    assert plan_next_check(profile, later + DAY, later) == NextCheck(later + DAY, later + DAY)
    assert plan_next_check(profile, None, later) is None


def test_next_check_for_a_missed_occurrence_is_not_in_the_past() -> None:
    past, now = MONDAY_NOON - 5 * HOUR, MONDAY_NOON
    profile = born(None, next_check=NextCheck(past - HOUR, past - HOUR))
    assert checked_until(profile, now) == past - HOUR
    assert plan_next_check(profile, past, now) == NextCheck(past, now)


zones = st.sampled_from(["UTC", "Asia/Tehran", "America/New_York", "Pacific/Apia", "bogus"])
plans = st.fixed_dictionaries(
    {"type": st.just("date")},
    optional={
        "offset": st.sampled_from(["-3 days", "45 days", "-400 days", "-90 minutes"]),
        "at": st.times().map(lambda t: f"{t.hour:02}:{t.minute:02}"),
        "timezone": st.sampled_from(["contact", "store", "Europe/Paris"]),
        "repeat": st.sampled_from(["yearly", "once"]),
    },
).flatmap(
    lambda plan: st.one_of(
        st.just({**plan, "field": "properties.birthday"}),
        st.dates().map(lambda d: {**plan, "day": f"{d.month:02}-{d.day:02}"}),
    )
)


def fired_by_checks(
    profile: Profile, asked: list[Json], zone: str, moments: list[datetime]
) -> list[Any]:
    """All events of a contact that is checked at these moments, as in production."""
    came = []
    for moment in moments:
        while found := due(profile, asked, moment, zone):
            for due_trigger in found:
                came.append((due_trigger.key, due_trigger.occurrence, due_trigger.at))
                profile = with_fired(profile, due_trigger)
        ahead = next_due(profile, asked, checked_until(profile, moment), zone)
        look = plan_next_check(profile, ahead[0].at if ahead else None, moment)
        profile = replace(profile, next_check=look)
    return came


@given(
    st.lists(plans, max_size=4),
    st.one_of(st.dates(date(1900, 1, 1), date(2060, 1, 1)).map(str), st.text(max_size=12)),
    zones,
    zones.filter(lambda name: find_zone(name) is not None),
    st.timedeltas(timedelta(), timedelta(days=9000)).map(lambda later: MONDAY_NOON + later),
    st.lists(st.timedeltas(timedelta(), timedelta(days=200)), max_size=6),
)
def test_every_occurrence_fires_once_however_often_checked(
    asked: list[Json], day: str, zone: str, shop: str, start: datetime, rests: list[timedelta]
) -> None:
    days = [start + n * timedelta(days=7) for n in range(60)]
    end = start + timedelta(days=59 * 7)
    now, seldom = start, [start]
    for rest in rests:
        now += rest
        seldom += [now] if now < end else []
    weekly = fired_by_checks(born(day, zone), asked, shop, days)
    assert len(weekly) == len(set(weekly))
    assert sorted(weekly) == sorted(fired_by_checks(born(day, zone), asked, shop, [*seldom, end]))


@pytest.mark.parametrize("in_order", [True, False])
def test_an_occasion_that_arrives_late_does_not_put_its_mark_back(in_order: bool) -> None:
    """Two shards of a stream, or a retry, bring last year's birthday after this year's."""
    (old,) = next_due(born("1990-12-24"), [BIRTHDAY], MONDAY_NOON, "UTC")
    (new,) = next_due(born("1990-12-24"), [BIRTHDAY], MONDAY_NOON + 365 * DAY, "UTC")
    profile = born("1990-12-24")
    for occasion in (old, new) if in_order else (new, old):
        profile = with_fired(profile, occasion)
    assert profile.fired == {time_trigger_key(BIRTHDAY): "2027-12-24"}
    assert next_time(BIRTHDAY, profile, MONDAY_NOON) == "2028-12-24T09:00"


def test_an_occasion_that_comes_before_the_next_look_is_not_passed_over() -> None:
    """Who tells a birthday that is tomorrow is looked at tomorrow, not after the next silence."""
    far = MONDAY_NOON + 30 * DAY
    profile = born("1990-11-03", next_check=NextCheck(far, far))
    assert checked_until(profile, MONDAY_NOON) == MONDAY_NOON
    assert checked_until(profile, far) == far
    assert next_time(BIRTHDAY, profile, checked_until(profile, MONDAY_NOON)) == "2026-11-03T09:00"
