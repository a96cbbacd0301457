"""The reputation of a store: its rates of hard bounces and complaints, and when they are too high.

SES reviews an account at 5 % hard bounces or 0.1 % complaints, and can then stop all its e-mail,
receipts included. So Milepost stops the store's marketing before that, until a person resumes it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from milepost.published.marketing_stop import Kind, MarketingStop

LIMITS: Mapping[Kind, int] = {"bounced": 200, "complained": 8}
"""Per 10,000 e-mails: 2 % and 0.08 %."""

MIN_SENDS: Mapping[Kind, int] = {"bounced": 5, "complained": 3}
"""Fewer events than these prove nothing: one wrong address among three is chance. The minimum
matters up to 250 and 3,750 e-mails; above that, the rate alone decides."""

WINDOWS = (timedelta(days=1), timedelta(days=7))
"""A bad list shows within a day; a problem of a small shop shows within a week."""

RETENTION = timedelta(days=30)
"""A bounce can arrive days after its e-mail and is counted in the hour of the e-mail."""

_WHOLE = 10_000


class HourlyCount(NamedTuple):
    """The marketing e-mails that were sent in an hour, with their bounces and complaints."""

    hour: datetime
    sent: int = 0
    bounced: int = 0
    complained: int = 0


class ReputationState(NamedTuple):
    """A store's marketing stop, if any, and when a person last resumed its marketing."""

    breaker: MarketingStop | None = None
    resumed: str = ""


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def window_start(now: datetime) -> datetime:
    """The first hour that counts."""
    return hour_of(now - max(WINDOWS))


def decide_stop(counts: Iterable[HourlyCount], now: datetime) -> MarketingStop | None:
    """The marketing stop that is due now, or None. A window includes the whole hour in which it
    starts."""
    hours = list(counts)
    for window in WINDOWS:
        counted = [count for count in hours if count.hour >= hour_of(now - window)]
        sent = sum(count.sent for count in counted)
        for kind, limit in LIMITS.items():
            events = sum(getattr(count, kind) for count in counted)
            if events >= MIN_SENDS[kind] and events * _WHOLE >= limit * sent:
                return MarketingStop(now, kind, events, sent, window.days)
    return None
