"""Frequency limits: caps by calendar days, smart sending, and the contact's frequency."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import (
    DEFAULT_HISTORY_SIZE,
    MAX_RECENT_SENDS,
    NO_SENDS,
    add_send,
    history_size,
    merge_sends,
    send_key,
)
from milepost.sending.gate import Cap, FrequencyLimits, limits_of, sending_limits_of
from milepost.sending.quiet_hours import HoldUntil
from milepost.stores.settings import StoreSettings
from tests.support.builders import MONDAY_NOON, STORE, contact, draft

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")
PER_DAY, PER_WEEK = Cap("cap per day", 1, 1), Cap("cap per week", 3, 7)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def sends_at(*times: datetime) -> dict[str, datetime]:
    return {f"m-{number}": time for number, time in enumerate(times)}


def limits(*caps: Cap, zone: str = "UTC", smart: timedelta = timedelta(0)) -> FrequencyLimits:
    return FrequencyLimits(ZoneInfo(zone), caps, smart)


def test_cap_per_day_uses_contacts_time_zone() -> None:
    """A daily e-mail counts once a day, even if it is some minutes early or late."""
    evening = at("2026-11-02T22:30:00-05:00")
    cap = limits(PER_DAY, zone="America/New_York")
    midnight = at("2026-11-03T00:00:00-05:00")
    assert cap.wait(sends_at(evening), evening + HOUR) == HoldUntil("cap per day", midnight)
    assert cap.wait(sends_at(evening), midnight) is None
    assert limits(PER_DAY).wait(sends_at(evening), midnight) == HoldUntil(
        "cap per day", at("2026-11-04T00:00:00Z")
    )


def test_cap_per_week_counts_seven_days() -> None:
    times = [MONDAY_NOON, MONDAY_NOON + DAY, MONDAY_NOON + 2 * DAY]
    free_again = at("2026-11-09T00:00:00Z")
    assert limits(PER_WEEK).wait(sends_at(*times), times[-1]) == HoldUntil(
        "cap per week", free_again
    )
    assert limits(PER_WEEK).wait(sends_at(*times), free_again) is None
    assert limits(PER_WEEK).wait(sends_at(*times[:2]), times[-1]) is None


def test_lowered_cap_waits_until_enough_sends_expire() -> None:
    times = [MONDAY_NOON + number * DAY for number in range(5)]
    later = limits(Cap("cap per week", 2, 7)).wait(sends_at(*times), times[-1])
    assert later == HoldUntil("cap per week", at("2026-11-12T00:00:00Z"))


def test_cap_per_day_on_clock_change() -> None:
    cap = limits(PER_DAY, zone="Europe/Paris")
    before = at("2026-10-25T00:30:00+02:00")
    assert cap.wait(sends_at(before), at("2026-10-25T23:30:00+01:00")) == HoldUntil(
        "cap per day", at("2026-10-26T00:00:00+01:00")
    )


def test_smart_sending_waits_after_last_send() -> None:
    smart = limits(smart=16 * HOUR)
    assert smart.wait({}, MONDAY_NOON) is None
    found = smart.wait(sends_at(MONDAY_NOON - DAY, MONDAY_NOON), MONDAY_NOON + 15 * HOUR)
    assert found == HoldUntil("smart sending", MONDAY_NOON + 16 * HOUR)
    assert smart.wait(sends_at(MONDAY_NOON), MONDAY_NOON + 16 * HOUR) is None
    assert smart.wait({"m": NO_SENDS}, MONDAY_NOON) is None


def profile_with_frequency(often: object = None) -> Profile:
    answer = (often, "2026-11-01T00:00:00.000Z", "e")
    return Profile(STORE, contact(), fields={"frequency": answer} if often else {})


@pytest.mark.parametrize(
    ("often", "caps"),
    [
        (None, ()),
        ("all", ()),
        ("hourly", ()),
        ("weekly", (Cap("reader wants weekly mail", 1, 7),)),
        ("monthly", (Cap("reader wants monthly mail", 1, 30),)),
    ],
)
def test_chosen_frequency_of_contact_is_a_cap(often: object, caps: tuple[Cap, ...]) -> None:
    found = limits_of(StoreSettings(), profile_with_frequency(often))
    assert (found.caps if found else ()) == caps


def test_store_settings_become_frequency_limits() -> None:
    assert limits_of(StoreSettings(), profile_with_frequency()) is None
    store_settings = StoreSettings(
        timezone="Europe/Oslo", caps={"per_week": 3, "per_day": 1}, smart_sending="16 hours"
    )
    weekly_cap = Cap("reader wants weekly mail", 1, 7)
    assert limits_of(store_settings, profile_with_frequency("weekly")) == FrequencyLimits(
        ZoneInfo("Europe/Oslo"), (PER_DAY, PER_WEEK, weekly_cap), 16 * HOUR
    )
    assert limits_of(StoreSettings(caps={"per_week": 3}), profile_with_frequency()) == limits(
        PER_WEEK
    )
    assert limits_of(StoreSettings(smart_sending="16 hours"), profile_with_frequency()) == limits(
        smart=16 * HOUR
    )


def test_numbers_show_counts_of_each_cap() -> None:
    found = limits(PER_DAY, PER_WEEK, smart=16 * HOUR)
    sent = sends_at(MONDAY_NOON - DAY, MONDAY_NOON - 9 * DAY)
    assert found.numbers(sent, MONDAY_NOON) == {
        "cap per day": "0 of 1",
        "cap per week": "1 of 3",
        "last mail": "2026-11-01T12:00:00.000Z",
        "smart sending": "16 hours",
    }
    assert limits(PER_DAY).numbers({}, MONDAY_NOON) == {"cap per day": "0 of 1"}
    assert limits(smart=HOUR).numbers({}, MONDAY_NOON) == {}


def test_history_size_follows_largest_cap() -> None:
    assert (
        history_size(None)
        == history_size({})
        == history_size({"per_day": 2})
        == DEFAULT_HISTORY_SIZE
    )
    assert history_size({"per_day": 2, "per_week": 20}) == 20


TIMES = st.lists(st.integers(0, 60 * 24).map(lambda hours: MONDAY_NOON + hours * HOUR))


@given(TIMES, st.integers(1, MAX_RECENT_SENDS), st.integers(1, 31))
def test_cap_is_never_exceeded_and_never_waits_too_long(
    times: list[datetime], most: int, days: int
) -> None:
    """The contact gets an e-mail at each of these times that the cap allows."""
    cap = limits(Cap("cap", most, days))
    sends: dict[str, datetime] = {}
    for number, time in enumerate(sorted(times)):
        wait = cap.wait(sends, time)
        if wait is None:
            sends = add_send(sends, f"{number:012}", time, max(DEFAULT_HISTORY_SIZE, most))
        else:
            assert time < wait.until <= time + days * DAY
            assert cap.wait(sends, wait.until) is None
            assert cap.wait(sends, wait.until - timedelta(seconds=1)) is not None
        for day in {each.date() for each in sends.values()}:
            window = [t for t in sends.values() if day - (days - 1) * DAY <= t.date() <= day]
            assert len(window) <= most


def test_send_keys_of_messages_differ() -> None:
    marks = {send_key(draft(step).ref.id) for step in ("a", "b", "c")}
    assert len(marks) == 3
    assert all(len(each) == 12 for each in marks)


SENDS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.integers(0, 9).map(lambda n: MONDAY_NOON + n * HOUR)
)


@given(SENDS, SENDS, SENDS)
def test_recent_sends_merge_in_any_order(
    one: dict[str, datetime], two: dict[str, datetime], three: dict[str, datetime]
) -> None:
    assert merge_sends(one, two) == merge_sends(two, one)
    assert merge_sends(merge_sends(one, two), three) == merge_sends(one, merge_sends(two, three))
    assert merge_sends(one, one) == one


def test_sending_limits_exist_only_if_set() -> None:
    assert sending_limits_of(StoreSettings(), profile_with_frequency()) == (None, None)
    assert sending_limits_of(StoreSettings(), profile_with_frequency("weekly")).limits is not None
    for store in (StoreSettings(caps={"per_day": 1}), StoreSettings(smart_sending="1 day")):
        rules = sending_limits_of(store, profile_with_frequency())
        assert (rules.hours, rules.limits is None) == (None, False)
    night = StoreSettings(quiet_hours={"from": "21:00", "to": "08:00"})
    for store in (night, StoreSettings(closed_days={"dates": ["12-25"]})):
        rules = sending_limits_of(store, profile_with_frequency())
        assert (rules.hours is None, rules.limits) == (False, None)
