"""The pace of sending: what SES allows an account, divided into tokens.

Every mail takes one token first: a place in a row in which places are `1 / rate` apart. Whoever
comes when nobody waits is given the present; whoever comes later is given a place in the near
future and sleeps until then; and when the row is too long there is no token, and the mail is tried
again later. So there are no bursts, and at no time more than the rate, whatever the workers do.

Rates are about real time: all instants here are, in microseconds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, NamedTuple

from milepost.sending.message import Category

RATE_SHARE = 0.9
"""Of the rate. Between a token and SES lie a transaction and a network, now faster, now slower."""

MAX_OF_A_KEY = 400.0
"""Tokens a second from one row: DynamoDB takes 1,000 writes a second on one key, and a row whose
state has changed is asked twice."""

MAX_SLEEP = timedelta(seconds=4)
"""Sleeping costs about as much as one more try by Step Functions after so many seconds."""

MAX_ROWS = 25
"""More than any account's rate asks for."""

MAX_SLEEPING_WORKERS = 100
"""Workers that sleep at a time: an account may have 1,000 of all kinds."""

MARKETING_RESERVE = 0.1
"""The part of a day's quota, at its end, that is left to transactional mail."""

QUOTA_FRESH_FOR = timedelta(minutes=1)
"""How long what SES said is believed. Its control plane answers one request a second."""

QUOTA_STALE_AFTER = timedelta(hours=1)
"""SES has not been heard for so long that what is left of the quota is not known: SES counts."""

LONG_WAIT = timedelta(minutes=30)
"""A mail that has been tried for so long is put off: each try is paid for."""

CLOCK_SKEW_LIMIT = timedelta(seconds=10)
"""No worker whose clock is right can have set the next place farther ahead than this."""

_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


class SesQuota(NamedTuple):
    """What SES says: mails a second and in 24 hours (below zero: any number), and those sent."""

    rate: float
    day: float
    sent: float


class SesLimits(NamedTuple):
    """What SES said `at` an instant, and for every row the number of its last token, counted from
    the first ever; None if the quota has no end."""

    at: int
    rate: float
    day: float
    ends: tuple[int, ...] | None
    rows: int = 1


class WarmUpLimit(NamedTuple):
    """At most so many marketing mails of a store on this day: a new domain warms up."""

    store: str
    day: str
    most: int


class SlotRequest(NamedTuple):
    """A token of a row: its place not after `latest`, its number below `end` if there is one."""

    row: int
    now: int
    interval: int
    latest: int
    end: int | None
    ramp: WarmUpLimit | None = None

    @property
    def nonsense(self) -> int:
        return self.now + CLOCK_SKEW_LIMIT // _MICROSECOND


class RateShard(NamedTuple):
    """The next free place, the tokens so far, and how many mails warming stores sent by day."""

    next: int = 0
    taken: int = 0
    days: Mapping[tuple[str, str], int] = {}


Why = Literal["rate", "quota", "warm-up"]


class NoSlot(NamedTuple):
    """There is none now, and why."""

    why: Why


def micros(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)


def shard_count(quota: SesQuota) -> int:
    return min(MAX_ROWS, max(1, ceil(quota.rate * RATE_SHARE / MAX_OF_A_KEY)))


def apply_quota(quota: SesQuota, taken: Sequence[int], now: datetime) -> SesLimits:
    """What may be sent from now on; `taken` was counted in each row before SES was asked.

    Mails whose token was taken before, but that SES may not have counted yet, are left room for.
    """
    rows = shard_count(quota)
    ends = None
    if quota.day >= 0:
        underway = ceil(max_wait(quota.rate) / _SECOND * quota.rate) + 1
        left = max(0, int(quota.day - quota.sent) - underway)
        ends = tuple(_at(taken, row) + left // rows for row in range(rows))
    return SesLimits(micros(now), quota.rate, quota.day, ends, rows)


def max_wait(rate: float) -> timedelta:
    return min(MAX_SLEEP, _SECOND * (MAX_SLEEPING_WORKERS / rate))


def slot_request(
    allowance: SesLimits,
    category: Category,
    subject: int,
    now: datetime,
    ramp: WarmUpLimit | None = None,
) -> SlotRequest:
    """The wish of a mail for a token; `subject` is a number that spreads mails over the rows.

    Marketing may fill half of the row, so a transactional mail never waits behind more than that;
    and the last tenth of a day's quota is not for it. Stores that warm up are counted in one row.
    """
    row = 0 if ramp else subject % allowance.rows
    moment, waits = micros(now), max_wait(allowance.rate)
    end = allowance.ends[row] if allowance.ends is not None else None
    if moment - allowance.at > QUOTA_STALE_AFTER // _MICROSECOND:
        end = None
    if category == "marketing":
        waits /= 2
        end = (
            None if end is None else end - ceil(allowance.day * MARKETING_RESERVE / allowance.rows)
        )
    interval = ceil(1_000_000 * allowance.rows / (allowance.rate * RATE_SHARE))
    return SlotRequest(row, moment, interval, moment + waits // _MICROSECOND, end, ramp)


def reserve_slot(row: RateShard, wish: SlotRequest) -> tuple[RateShard, int] | NoSlot:
    """The row afterwards and the place that was given, or why there is none."""
    if wish.end is not None and row.taken >= wish.end:
        return NoSlot("quota")
    days = row.days
    if wish.ramp is not None:
        key = (wish.ramp.store, wish.ramp.day)
        if days.get(key, 0) >= wish.ramp.most:
            return NoSlot("warm-up")
        days = {**days, key: days.get(key, 0) + 1}
    if row.next < wish.now or row.next > wish.nonsense:
        place = wish.now
    elif row.next <= wish.latest:
        place = row.next
    else:
        return NoSlot("rate")
    return RateShard(place + wish.interval, row.taken + 1, days), place


def retry_after(why: Why, category: Category, late: timedelta, chance: float) -> timedelta | None:
    """How long a mail without a token is put off; None if it is tried again within seconds.

    Step Functions tries for half a day, and for less than that if it is to be cheap. `late` is how
    long the mail has waited already, `chance` (below 1) spreads those who wait for the same.
    """
    if why == "quota":
        least = _HOUR if category == "marketing" else _HOUR / 12
    elif late > LONG_WAIT:
        least = _HOUR / 6
    else:
        return None
    return least * (1 + 2 * chance)


def _at(counts: Sequence[int], row: int) -> int:
    return counts[row] if row < len(counts) else 0
