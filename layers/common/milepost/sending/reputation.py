"""The reputation of a store: how much of its marketing bounces or is called spam, and when that is
too much.

SES looks at whole accounts, reviews them at 5 % hard bounces or 0.1 % complaints, and then stops
all mail, receipts included. So marketing stops before, by itself, and waits for a person.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from milepost.published.marketing_stop import Kind, MarketingStop

LIMITS: Mapping[Kind, int] = {"bounced": 200, "complained": 8}
"""Of 10,000 mails: 2 % and 0.08 %."""

MIN_SENDS: Mapping[Kind, int] = {"bounced": 5, "complained": 3}
"""Fewer than these say nothing: one wrong address among three is bad luck. They weigh until 250
and 3,750 mails, beyond which the share alone decides."""

WINDOWS = (timedelta(days=1), timedelta(days=7))
"""A bad list shows within a day; what goes wrong in a small shop shows within a week."""

RETENTION = timedelta(days=30)
"""A bounce may come days after its mail, and is counted with it."""

_WHOLE = 10_000


class HourlyCount(NamedTuple):
    """The marketing mails that were sent in an hour, and what became of them."""

    hour: datetime
    sent: int = 0
    bounced: int = 0
    complained: int = 0


class ReputationState(NamedTuple):
    """Why the marketing of a store is stopped, if it is, and when a person last let it go on."""

    breaker: MarketingStop | None = None
    resumed: str = ""


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def window_start(now: datetime) -> datetime:
    """The first hour that counts."""
    return hour_of(now - max(WINDOWS))


def decide_stop(tallies: Iterable[HourlyCount], now: datetime) -> MarketingStop | None:
    """Why marketing has to stop now, or None. A window ends with the hour in which it began."""
    known = list(tallies)
    for window in WINDOWS:
        inside = [tally for tally in known if tally.hour >= hour_of(now - window)]
        sent = sum(tally.sent for tally in inside)
        for kind, limit in LIMITS.items():
            number = sum(getattr(tally, kind) for tally in inside)
            if number >= MIN_SENDS[kind] and number * _WHOLE >= limit * sent:
                return MarketingStop(now, kind, number, sent, window.days)
    return None
