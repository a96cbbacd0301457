"""Warming up: a new domain sends little at first, and every day more, until nobody counts."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from milepost.base.dates import effective_zone
from milepost.sending.rate_limit import WarmUpLimit
from milepost.stores.settings import StoreSettings

WARM_UP_DONE = 1_000_000
"""Marketing mails a day beyond which a domain is warm, whatever the ramp says."""

MAX_DAYS = 366

DAILY_GROWTH = 2.0


def warm_up_limit(store: str, settings: StoreSettings, now: datetime) -> WarmUpLimit | None:
    """How much marketing a store may send today, by its own clock; None if nobody counts."""
    if settings.warm_up is None:
        return None
    today = _today(settings, now)
    most = daily_limit(settings.warm_up, today)
    return None if most is None else WarmUpLimit(store, today.isoformat(), most)


def daily_limit(warm_up: Mapping[str, Any], day: date) -> int | None:
    """The most of a day. Before the first day it is that of the first: the domain is cold."""
    number = max(0, (day - date.fromisoformat(warm_up["starts"])).days)
    if "days" in warm_up:
        days = warm_up["days"]
        return int(days[number]) if number < len(days) else None
    if number > MAX_DAYS:
        return None
    most = int(warm_up["first_day"]) * float(warm_up.get("grow", DAILY_GROWTH)) ** number
    return int(most) if most <= WARM_UP_DONE else None


def next_day(settings: StoreSettings, now: datetime) -> datetime:
    """The same time of the store's clock tomorrow: whoever is late stays out of the night."""
    zone = effective_zone(None, settings.timezone)
    return (now.astimezone(zone) + timedelta(days=1)).astimezone(now.tzinfo)


def _today(settings: StoreSettings, now: datetime) -> date:
    return now.astimezone(effective_zone(None, settings.timezone)).date()
