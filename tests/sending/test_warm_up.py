"""The warm-up of a new domain: the limit of each day, in the store's time zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.publishing.settings_file import SettingsFile
from milepost.sending.rate_limit import WarmUpLimit, daily_limit, next_day, warm_up_limit
from milepost.stores.settings import StoreSettings
from tests.support.builders import settings, text

FIRST = date(2026, 12, 1)
STARTS = {"starts": "2026-12-01"}


@pytest.mark.parametrize(
    ("ramp", "day", "most"),
    [
        ({"first_day": 50}, 0, 50),
        ({"first_day": 50}, 3, 400),
        ({"first_day": 50, "grow": 1.5}, 2, 112),
        ({"first_day": 50}, -10, 50),
        ({"first_day": 50}, 14, 819_200),
        ({"first_day": 50}, 15, None),
        ({"first_day": 1, "grow": 1.05}, 5000, None),
        ({"days": [10, 30]}, 1, 30),
        ({"days": [10, 30]}, 2, None),
        ({"days": [10, 30]}, -1, 10),
    ],
)
def test_daily_limit_grows_until_warm_up_ends(
    ramp: dict[str, Any], day: int, most: int | None
) -> None:
    assert daily_limit(STARTS | ramp, FIRST + timedelta(days=day)) == most


def test_warm_up_day_uses_stores_time_zone() -> None:
    own = StoreSettings(timezone="Asia/Tehran", warm_up=STARTS | {"days": [1, 2, 3]})
    evening = datetime(2026, 12, 1, 20, 45, tzinfo=UTC)
    assert warm_up_limit("demo", own, evening) == WarmUpLimit("demo", "2026-12-02", 2)
    assert warm_up_limit("demo", own, evening - timedelta(minutes=16)) == WarmUpLimit(
        "demo", "2026-12-01", 1
    )
    assert warm_up_limit("demo", own._replace(warm_up=None), evening) is None


def test_next_day_keeps_local_time_on_clock_change() -> None:
    own = StoreSettings(timezone="Europe/Paris")
    saturday = datetime(2026, 10, 24, 8, 0, tzinfo=UTC)
    assert next_day(own, saturday) == datetime(2026, 10, 25, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ramp", "reason"),
    [
        ({}, "either days or first_day"),
        ({"days": [1], "first_day": 1}, "either days or first_day"),
        ({"days": [1], "grow": 2}, "cannot have grow"),
        ({"days": []}, "days"),
        ({"first_day": 0}, "first_day"),
        ({"first_day": 5, "grow": 1}, "grow"),
        ({"first_day": 5, "starts": "soon"}, "starts"),
    ],
)
def test_invalid_warm_up_settings_are_rejected(ramp: dict[str, Any], reason: str) -> None:
    found = parse_file(text(settings(warm_up=STARTS | ramp)), SettingsFile)
    assert isinstance(found, list)
    assert any(reason in f"{problem.location} {problem.reason}" for problem in found)


def test_warm_up_settings_are_published_unchanged() -> None:
    found = parse_file(text(settings(warm_up=STARTS | {"first_day": 5, "grow": 3})), SettingsFile)
    assert isinstance(found, SettingsFile)
    document = found.model_dump(mode="json", exclude_none=True)
    own = StoreSettings.from_json(document)
    assert daily_limit(own.warm_up or {}, FIRST + timedelta(days=1)) == 15
