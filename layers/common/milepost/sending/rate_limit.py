"""How fast a stack can send: SES's limits, the warm-up, and the send slots."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, Literal, NamedTuple, Protocol
from zlib import crc32

from milepost.base.dates import effective_zone
from milepost.base.errors import ThrottledError
from milepost.base.names import MessageRef
from milepost.enrollments.chance import random_share
from milepost.sending.gate import Defer
from milepost.sending.message import Category, PendingMessage
from milepost.stores.settings import StoreSettings

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


class SendSlots(Protocol):
    """The rows of send slots that all workers share, and the limits of SES."""

    def take(self, request: SlotRequest) -> int | NoSlot:
        """The reserved slot, in microseconds of real time."""

    def allowance(self) -> SesLimits | None:
        """The last known limits."""

    def may_ask(self, now: int, again_after: int) -> bool:
        """Whether this worker asks SES: True for one worker in each interval."""

    def taken(self) -> Sequence[int]:
        """How many slots each row has given so far."""

    def note(self, limits: SesLimits) -> None: ...


class SesQuotas(Protocol):
    """Reads the account's quota from SES."""

    def quota(self) -> SesQuota:
        """The quota. Raises `ThrottledError` if SES does not return it."""


@dataclass(slots=True)
class SendRateLimiter:
    """Reserves send slots. `now` is real time. One of all workers calls `quotas` once a minute."""

    tokens: SendSlots
    quotas: Callable[[], SesQuotas]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    _known: SesLimits | None = None
    _until: int = 0

    def reserve(
        self, pending: PendingMessage, settings: StoreSettings, due: datetime, now: datetime
    ) -> Defer | None:
        """Reserve a slot for a message and wait for it. Without a slot, return the deferral, or
        raise `ThrottledError` if the next try is soon.

        `due` and `now` are business time: the due time of the block run, and the present.
        """
        warm_up = None
        if settings.warm_up is not None and pending.category == "marketing":
            pass

            warm_up = warm_up_limit(pending.ref.store, settings, now)
        no_slot = self.wait(pending.ref, pending.category, warm_up)
        if no_slot is None:
            return None
        if no_slot == "warm-up":
            pass

            return Defer(next_day(settings, now), no_slot)
        delay = retry_after(
            no_slot, pending.category, now - due, random_share(pending.enrollment, pending.step)
        )
        if delay is None:
            raise ThrottledError("all send slots of the next seconds are taken")
        return Defer(now + delay, no_slot)

    def wait(self, ref: MessageRef, category: Category, warm_up: WarmUpLimit | None) -> Why | None:
        """Reserve a slot and sleep until it. Return the reason if there is none.

        Raises `ThrottledError` if the limits of SES are unknown.
        """
        limits = self._limits()
        request = slot_request(limits, category, crc32(ref.id.encode()), self.now(), warm_up)
        slot = self.tokens.take(request)
        if isinstance(slot, NoSlot):
            return slot.why
        delay = slot - micros(self.now())
        if delay > 0:
            self.sleep(delay / 1_000_000)
        return None

    def _limits(self) -> SesLimits:
        """The limits of SES: from memory, from the table, or from SES itself."""
        now = self.now()
        if self._known is None or micros(now) >= self._until:
            known_limits = self.tokens.allowance()
            self._until = micros(now + QUOTA_FRESH_FOR)
            if known_limits is None or micros(now - QUOTA_FRESH_FOR) >= known_limits.at:
                known_limits = self._read_quota(now, known_limits) or known_limits
            if known_limits is None:
                raise ThrottledError("another worker is reading the quota of SES")
            self._known = known_limits
        return self._known

    def _read_quota(self, now: datetime, known_limits: SesLimits | None) -> SesLimits | None:
        """The limits of SES now; None if another worker asks, or SES does not return them."""
        lease = timedelta(seconds=10) if known_limits is None else QUOTA_FRESH_FOR
        if not self.tokens.may_ask(micros(now), micros(now - lease)):
            return None
        taken = self.tokens.taken()  # before the request: e-mails sent in between count twice
        try:
            quota = self.quotas().quota()
        except ThrottledError:
            if known_limits is None:
                raise
            return None
        limits = apply_quota(quota, taken, now)
        self.tokens.note(limits)
        return limits
