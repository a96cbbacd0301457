"""Warm-up: a new domain sends little at first and more every day, until the limit ends."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from milepost.base.dates import effective_zone
from milepost.sending.rate_limit import WarmUpLimit
from milepost.stores.settings import StoreSettings

WARM_UP_DONE = 1_000_000
"""Marketing e-mails a day above which the warm-up is over, whatever its settings say."""

MAX_DAYS = 366

DAILY_GROWTH = 2.0


def warm_up_limit(store: str, settings: StoreSettings, now: datetime) -> WarmUpLimit | None:
    """A store's limit for today, in its time zone; None if there is no limit."""
    if settings.warm_up is None:
        return None
    today = _today(settings, now)
    limit = daily_limit(settings.warm_up, today)
    return None if limit is None else WarmUpLimit(store, today.isoformat(), limit)


def daily_limit(warm_up: Mapping[str, Any], day: date) -> int | None:
    """The limit of a day. Before the first day, the limit of the first day applies."""
    number = max(0, (day - date.fromisoformat(warm_up["starts"])).days)
    if "days" in warm_up:
        days = warm_up["days"]
        return int(days[number]) if number < len(days) else None
    if number > MAX_DAYS:
        return None
    limit = int(warm_up["first_day"]) * float(warm_up.get("grow", DAILY_GROWTH)) ** number
    return int(limit) if limit <= WARM_UP_DONE else None


def next_day(settings: StoreSettings, now: datetime) -> datetime:
    """The same local time tomorrow, so that a deferred message does not move into the night."""
    zone = effective_zone(None, settings.timezone)
    return (now.astimezone(zone) + timedelta(days=1)).astimezone(now.tzinfo)


def _today(settings: StoreSettings, now: datetime) -> date:
    return now.astimezone(effective_zone(None, settings.timezone)).date()
