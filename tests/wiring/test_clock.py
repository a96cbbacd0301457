from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.wiring.clock import Clock, parse_clock

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
speeds = st.sampled_from([0.5, 1.0, 2.0, 60.0, 3600.0, 86400.0]) | st.floats(0.1, 100_000)
instants = st.timedeltas(timedelta(days=-1), timedelta(days=10)).map(lambda past: START + past)
durations = st.timedeltas(timedelta(), timedelta(days=10))


def test_empty_clock_setting_is_real_time() -> None:
    clock = parse_clock("")
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.to_wire(START) == clock.from_wire(START) == START


def test_fast_clock_starts_at_start_and_runs_faster() -> None:
    clock = parse_clock("2026-11-22T09:00:00Z@3600")
    assert clock.from_wire(START) == START
    assert clock.from_wire(START + timedelta(seconds=1)) == START + timedelta(hours=1)
    assert clock.to_wire(START + timedelta(days=1)) == START + timedelta(seconds=24)


def test_clock_can_be_slow() -> None:
    assert parse_clock("2026-11-22T09:00:00Z@0.5").speed == 0.5
    assert parse_clock("2026-11-22T09:00:00Z@1").speed == 1


@given(instants, speeds)
def test_wire_conversion_round_trips(instant: datetime, speed: float) -> None:
    clock = Clock(START, speed)
    rounding = timedelta(microseconds=1 + max(speed, 1 / speed))
    assert abs(clock.from_wire(clock.to_wire(instant)) - instant) <= rounding
    assert abs(clock.to_wire(clock.from_wire(instant)) - instant) <= rounding


@given(instants, durations, speeds)
def test_clock_never_runs_backwards(instant: datetime, later: timedelta, speed: float) -> None:
    clock = Clock(START, speed)
    assert clock.from_wire(instant) <= clock.from_wire(instant + later)
    assert clock.to_wire(instant) <= clock.to_wire(instant + later)


@given(instants, durations, speeds)
def test_wire_duration_matches_wire_instants(
    instant: datetime, duration: timedelta, speed: float
) -> None:
    clock = Clock(START, speed)
    passed = (clock.to_wire(instant + duration) - clock.to_wire(instant)).total_seconds()
    assert clock.wire_seconds(duration) >= 1
    assert clock.wire_seconds(duration) == 1 or abs(clock.wire_seconds(duration) - passed) <= 0.51


def test_wire_duration_is_at_least_one_second() -> None:
    assert Clock(START, 3600).wire_seconds(timedelta(seconds=1)) == 1
    assert Clock().wire_seconds(timedelta()) == 1
    assert Clock().wire_seconds(timedelta(days=1)) == 86400


def test_wire_now_is_real_time() -> None:
    clock = Clock(START, 86400)
    assert abs(clock.wire_now() - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "@",
        "@3600",
        "2026-11-22T09:00:00Z",
        "2026-11-22T09:00:00Z@",
        "2026-11-22T09:00:00@2",
        "2026-11-22T09:00:00Z@0",
        "2026-11-22T09:00:00Z@-1",
        "2026-11-22T09:00:00Z@nan",
        "2026-11-22T09:00:00Z@inf",
        "2026-11-22T09:00:00Z@fast",
        "yesterday@2",
    ],
)
def test_invalid_clock_setting_error_shows_format(text: str) -> None:
    with pytest.raises(ValueError, match="is not <start>@<speed>, as in 2026-11-22T09:00:00Z@3600"):
        parse_clock(text)
