"""The SES stand-in and the deployed functions use the same virtual time."""

from datetime import UTC, datetime, timedelta

import pytest

from local.clock import parse_clock, timestamp, virtual

START = datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_virtual_time_starts_at_start_and_runs_at_its_speed() -> None:
    assert virtual(START, START, 3600.0) == START
    assert virtual(START + timedelta(seconds=1), START, 3600.0) == START + timedelta(hours=1)
    assert virtual(START - timedelta(seconds=1), START, 2.0) == START - timedelta(seconds=2)


def test_empty_clock_setting_means_real_time() -> None:
    assert parse_clock("").now(lambda: START) == START


def test_clock_setting_round_trips() -> None:
    clock = parse_clock("2026-11-22T10:00:00+01:00@1440.5")

    assert clock.setting() == "2026-11-22T09:00:00.000Z@1440.5"
    assert parse_clock(clock.setting()) == clock


@pytest.mark.parametrize("text", ["yesterday@2", "2026-11-22T09:00:00@2", "@", "2026-11-22@0"])
def test_invalid_clock_setting_is_refused_with_example(text: str) -> None:
    with pytest.raises(ValueError, match="2026-11-22T09:00:00Z@3600"):
        parse_clock(text)


def test_local_and_deployed_clock_show_same_time() -> None:
    deployed = pytest.importorskip("milepost.wiring.clock")
    setting = "2026-11-22T09:00:00Z@86400"
    real = START + timedelta(seconds=12.5)

    assert deployed.parse_clock(setting).from_wire(real) == parse_clock(setting).now(lambda: real)


def test_instants_are_formatted_like_ses() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 67999, UTC)) == "2026-01-02T03:04:05.067Z"
