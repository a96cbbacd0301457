"""The rate limit: divide the rate of SES into send slots.

Every e-mail reserves a send slot first. Slots are `1 / rate` apart. If no other worker waits, the
slot is now. Otherwise it is in the near future, and the worker sleeps until then. If the queue is
too long, there is no slot, and the e-mail is tried again later. So sending has no bursts and never
exceeds the rate, however many workers there are.

All instants in this module are real time, in microseconds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, NamedTuple

from milepost.sending.message import Category

RATE_SHARE = 0.9
"""The share of the rate that is used. The time between a slot and the submission varies, because of
the claim transaction and the network."""

MAX_OF_A_KEY = 400.0
"""Slots a second from one row: DynamoDB takes 1,000 writes a second on one key, and a row whose
state has changed takes two writes."""

MAX_SLEEP = timedelta(seconds=4)
"""Sleeping this long costs about as much as another try by Step Functions."""

MAX_ROWS = 25
"""More rows than the rate of any account needs."""

MAX_SLEEPING_WORKERS = 100
"""The highest number of workers that sleep at the same time: an account has 1,000 concurrent
executions for all its functions."""

MARKETING_RESERVE = 0.1
"""The last part of the daily quota, reserved for transactional e-mail."""

QUOTA_FRESH_FOR = timedelta(minutes=1)
"""How long the quota is cached. The control plane of SES answers one request a second."""

QUOTA_STALE_AFTER = timedelta(hours=1)
"""After this time without an answer, the rest of the quota is unknown, and only SES enforces it."""

LONG_WAIT = timedelta(minutes=30)
"""An e-mail that has been tried for this long is deferred, because each try costs money."""

CLOCK_SKEW_LIMIT = timedelta(seconds=10)
"""A worker with a correct clock never sets the next slot farther ahead than this."""

_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


class SesQuota(NamedTuple):
    """The quota that SES returns: e-mails a second, e-mails in 24 hours (negative: unlimited), and
    those already sent."""

    rate: float
    day: float
    sent: float


class SesLimits(NamedTuple):
    """The limits that SES returned at `at`. `ends` has the number of the last slot of every row,
    counted from the first slot ever; None if the quota is unlimited."""

    at: int
    rate: float
    day: float
    ends: tuple[int, ...] | None
    rows: int = 1


class WarmUpLimit(NamedTuple):
    """The highest number of marketing e-mails of a store on this day of its warm-up."""

    store: str
    day: str
    most: int


class SlotRequest(NamedTuple):
    """A request for a slot of a row: not after `latest`, and with a number below `end`, if set."""

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
    """One row: the next free slot, the number of slots so far, and the e-mails of stores in
    warm-up by day."""

    next: int = 0
    taken: int = 0
    days: Mapping[tuple[str, str], int] = {}


Why = Literal["rate", "quota", "warm-up"]


class NoSlot(NamedTuple):
    """No slot is available now; `why` is the reason."""

    why: Why


def micros(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)


def shard_count(quota: SesQuota) -> int:
    return min(MAX_ROWS, max(1, ceil(quota.rate * RATE_SHARE / MAX_OF_A_KEY)))


def apply_quota(quota: SesQuota, taken: Sequence[int], now: datetime) -> SesLimits:
    """The limits from now on; `taken` was counted in each row before the request to SES.

    The result leaves room for e-mails that have a slot but that SES may not have counted yet.
    """
    rows = shard_count(quota)
    ends = None
    if quota.day >= 0:
        in_flight = ceil(max_wait(quota.rate) / _SECOND * quota.rate) + 1
        left = max(0, int(quota.day - quota.sent) - in_flight)
        ends = tuple(_at(taken, row) + left // rows for row in range(rows))
    return SesLimits(micros(now), quota.rate, quota.day, ends, rows)


def max_wait(rate: float) -> timedelta:
    return min(MAX_SLEEP, _SECOND * (MAX_SLEEPING_WORKERS / rate))


def slot_request(
    limits: SesLimits,
    category: Category,
    subject: int,
    now: datetime,
    warm_up: WarmUpLimit | None = None,
) -> SlotRequest:
    """The slot request of an e-mail; `subject` is a number that spreads e-mails over the rows.

    Marketing can fill half of the queue, so a transactional e-mail never waits behind more, and
    cannot use the last tenth of the daily quota. Stores in warm-up are counted in one row.
    """
    row = 0 if warm_up else subject % limits.rows
    now_micros, longest_wait = micros(now), max_wait(limits.rate)
    end = limits.ends[row] if limits.ends is not None else None
    if now_micros - limits.at > QUOTA_STALE_AFTER // _MICROSECOND:
        end = None
    if category == "marketing":
        longest_wait /= 2
        end = None if end is None else end - ceil(limits.day * MARKETING_RESERVE / limits.rows)
    interval = ceil(1_000_000 * limits.rows / (limits.rate * RATE_SHARE))
    return SlotRequest(
        row, now_micros, interval, now_micros + longest_wait // _MICROSECOND, end, warm_up
    )


def reserve_slot(row: RateShard, request: SlotRequest) -> tuple[RateShard, int] | NoSlot:
    """The row afterwards and the reserved slot, or the reason why there is none."""
    if request.end is not None and row.taken >= request.end:
        return NoSlot("quota")
    days = row.days
    if request.ramp is not None:
        key = (request.ramp.store, request.ramp.day)
        if days.get(key, 0) >= request.ramp.most:
            return NoSlot("warm-up")
        days = {**days, key: days.get(key, 0) + 1}
    if row.next < request.now or row.next > request.nonsense:
        slot = request.now
    elif row.next <= request.latest:
        slot = row.next
    else:
        return NoSlot("rate")
    return RateShard(slot + request.interval, row.taken + 1, days), slot


def retry_after(why: Why, category: Category, late: timedelta, chance: float) -> timedelta | None:
    """How long to defer an e-mail without a slot; None if it is tried again within seconds.

    Step Functions retries for up to half a day, but each try costs money. `late` is how long the
    e-mail has waited already; `chance` (below 1) spreads e-mails that wait for the same limit.
    """
    if why == "quota":
        shortest = _HOUR if category == "marketing" else _HOUR / 12
    elif late > LONG_WAIT:
        shortest = _HOUR / 6
    else:
        return None
    return shortest * (1 + 2 * chance)


def _at(counts: Sequence[int], row: int) -> int:
    return counts[row] if row < len(counts) else 0
