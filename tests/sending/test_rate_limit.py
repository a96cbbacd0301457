"""The rate limit: rate and quota are never exceeded, and transactional e-mail goes first."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.ses.service import SendingRate
from milepost.base.errors import ThrottledError
from milepost.sending.message import Category
from milepost.sending.rate_limit import (
    CLOCK_SKEW_LIMIT,
    RATE_SHARE,
    NoSlot,
    RateShard,
    SendRateLimiter,
    SesLimits,
    SesQuota,
    WarmUpLimit,
    Why,
    apply_quota,
    max_wait,
    micros,
    reserve_slot,
    retry_after,
    shard_count,
    slot_request,
)
from tests.fakes.send_slots import MemorySendSlots
from tests.support.builders import MONDAY_NOON, draft

SECOND = timedelta(seconds=1)
ENDLESS = -1.0


def allowed(rate: float, day: float = ENDLESS, sent: float = 0, taken: int = 0) -> SesLimits:
    return apply_quota(SesQuota(rate, day, sent), [taken], MONDAY_NOON)


class Workers:
    """Many workers with their own clocks, which request slots one after the other in real time."""

    def __init__(self, rate: float, skews: Iterable[float] = (0.0,)) -> None:
        self.rate, self.skews = rate, list(skews)
        self.tokens = MemorySendSlots()
        self.sent: list[float] = []
        self.refused = 0

    def request_slot(self, at: float, worker: int, category: Category = "marketing") -> None:
        """A worker comes at a real time (seconds), takes a token and sends at its place."""
        skew = self.skews[worker % len(self.skews)]
        theirs = MONDAY_NOON + (at + skew) * SECOND
        slot = self.tokens.take(slot_request(allowed(self.rate), category, worker, theirs))
        if isinstance(slot, NoSlot):
            self.refused += 1
        else:
            rest = max(0.0, (slot - micros(theirs)) / 1e6)
            self.sent.append(at + rest)

    def most_in_a_second(self) -> int:
        """The most mails in any second, wherever it begins."""
        times = sorted(self.sent)
        return max(sum(1 for t in times if start <= t < start + 1) for start in times)


@given(
    rate=st.sampled_from([1.0, 5.0, 14.0, 80.0]),
    comings=st.lists(st.floats(0, 6), min_size=1, max_size=150),
)
def test_sends_in_any_second_never_exceed_rate(rate: float, comings: list[float]) -> None:
    workers = Workers(rate)
    for number, at in enumerate(sorted(comings)):
        workers.request_slot(at, number, "marketing" if number % 3 else "transactional")
    assert workers.most_in_a_second() <= rate


@pytest.mark.parametrize("skew", [0.05, 0.5, 2.0])
def test_clock_skew_gives_no_slot_twice(skew: float) -> None:
    """The long-term rate holds; one second can exceed it by the clock skew."""
    workers = Workers(14, skews=[0.0, skew, -skew])
    for number in range(3000):
        workers.request_slot(number / 100, number)
    length = max(workers.sent) - min(workers.sent) + 1
    assert len(workers.sent) <= length * 14
    assert workers.most_in_a_second() <= 14 * (1 + 2 * skew)


def test_full_load_uses_the_whole_rate() -> None:
    workers = Workers(14)
    for number in range(3000):
        workers.request_slot(number / 100, number)
    assert len(workers.sent) / 30 == pytest.approx(14 * RATE_SHARE, rel=0.1)


def test_wrong_clock_does_not_block_other_workers() -> None:
    slots = MemorySendSlots()
    slots.take(slot_request(allowed(14), "marketing", 0, MONDAY_NOON + timedelta(hours=1)))
    assert slots.rows[0].next > micros(MONDAY_NOON + CLOCK_SKEW_LIMIT)
    slot = slots.take(slot_request(allowed(14), "marketing", 0, MONDAY_NOON))
    assert slot == micros(MONDAY_NOON)


def test_transactional_gets_slot_when_marketing_does_not() -> None:
    """Marketing fills at most half of the queue."""
    workers = Workers(14)
    for number in range(1000):
        workers.request_slot(0, number)
    waiting = len(workers.sent)
    assert workers.refused == 1000 - waiting
    workers.request_slot(0, 0, "transactional")
    assert len(workers.sent) == waiting + 1
    assert workers.sent[-1] <= max_wait(14) / 2 / SECOND + 1


@pytest.mark.parametrize(
    ("rate", "rows"), [(1, 1), (14, 1), (444, 1), (500, 2), (2000, 5), (50_000, 25)]
)
def test_fast_account_has_several_rows(rate: float, rows: int) -> None:
    """DynamoDB takes 1,000 writes a second on one key."""
    assert shard_count(SesQuota(rate, ENDLESS, 0)) == rows
    places: list[int] = []
    slots = MemorySendSlots()
    for subject in range(20_000 if rows > 1 else 100):
        slot = slots.take(slot_request(allowed(rate), "transactional", subject, MONDAY_NOON))
        places += [] if isinstance(slot, NoSlot) else [slot]
    span = (max(places) - min(places)) / 1e6
    assert len(places) <= span * rate * RATE_SHARE + rows


def test_number_of_sleeping_workers_is_limited() -> None:
    assert max_wait(1) == 4 * SECOND
    assert max_wait(500) == SECOND / 5


# --- a day's quota ---


def test_marketing_leaves_last_tenth_of_quota() -> None:
    slots, allowance = MemorySendSlots(), allowed(10, day=1000, sent=500, taken=70)
    slots.rows[0] = RateShard(taken=70)
    counts: Counter[Category] = Counter()
    at = MONDAY_NOON
    categories: list[Category] = ["marketing", "transactional"]
    for category in categories:
        while slots.take(slot_request(allowance, category, 0, at)) != NoSlot("quota"):
            counts[category] += 1
            at += SECOND
    underway = 41
    assert counts == {"marketing": 400 - underway, "transactional": 100}


def test_stale_quota_does_not_stop_sending() -> None:
    allowance = allowed(10, day=1000, sent=1000)
    for hours, answer in ((0, NoSlot("quota")), (2, None)):
        now = MONDAY_NOON + timedelta(hours=hours)
        slot = MemorySendSlots().take(slot_request(allowance, "transactional", 0, now))
        assert slot == (answer or micros(now))


# --- a warm-up ---


def test_store_in_warm_up_has_daily_limit() -> None:
    slots = MemorySendSlots()
    days = [WarmUpLimit("demo", "2026-12-01", 3), WarmUpLimit("other", "2026-12-01", 1)]
    counts: Counter[str] = Counter()
    for number in range(10):
        for ramp in days:
            now = MONDAY_NOON + number * SECOND
            slot = slots.take(slot_request(allowed(500), "marketing", number, now, ramp))
            counts[ramp.store] += slot != NoSlot("warm-up")
    assert counts == {"demo": 3, "other": 1}


# --- how long a mail without a token is put off ---


@pytest.mark.parametrize(
    ("why", "category", "late", "least", "most"),
    [
        ("quota", "marketing", 0, 60, 180),
        ("quota", "transactional", 0, 5, 15),
        ("rate", "marketing", 31, 10, 30),
    ],
)
def test_deferral_without_slot_is_spread_randomly(
    why: Why, category: Category, late: int, least: int, most: int
) -> None:
    waited = timedelta(minutes=late)
    soonest, latest = (retry_after(why, category, waited, chance) for chance in (0.0, 0.999999))
    assert soonest == timedelta(minutes=least)
    assert latest is not None and timedelta(minutes=most - 1) < latest < timedelta(minutes=most)


def test_recent_message_without_slot_is_retried_soon() -> None:
    assert retry_after("rate", "marketing", timedelta(minutes=29), 0.5) is None


# --- who asks SES ---


class Ses:
    """The control plane of SES: it counts its requests."""

    def __init__(self, *answers: SesQuota) -> None:
        self.answers, self.requests = list(answers), 0

    def quota(self) -> SesQuota:
        self.requests += 1
        if not self.answers:
            raise ThrottledError("GetAccount: TooManyRequestsException")
        return self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)


class Environment:
    """A Lambda environment with its own memory, shared slots and a settable clock."""

    def __init__(self, ses: Ses, slots: MemorySendSlots) -> None:
        self.now, self.slept = MONDAY_NOON, 0.0
        self.pace = SendRateLimiter(slots, lambda: ses, lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += seconds * SECOND

    def wait(self, step: str = "mail", category: Category = "marketing") -> str | None:
        return self.pace.wait(draft(step).ref, category, None)


def test_one_worker_reads_quota_once_a_minute() -> None:
    ses, slots = Ses(SesQuota(500, 50_000, 0)), MemorySendSlots()
    environments = [Environment(ses, slots) for _ in range(100)]
    for minute in range(5):
        for each in environments:
            each.now = MONDAY_NOON + minute * timedelta(minutes=1)
            for _ in range(3):
                each.wait()
        assert ses.requests == minute + 1


def test_new_quota_of_ses_applies() -> None:
    ses, slots = Ses(SesQuota(1, 200, 0), SesQuota(1, 200, 200)), MemorySendSlots()
    environment = Environment(ses, slots)
    assert environment.wait() is None
    environment.now += timedelta(minutes=1)
    assert environment.wait() == "quota"


def test_unknown_quota_stops_sending() -> None:
    ses, slots = Ses(), MemorySendSlots()
    for _ in range(2):
        with pytest.raises(ThrottledError):
            Environment(ses, slots).wait()
    assert ses.requests == 1
    ses.answers = [SesQuota(14, 50_000, 0)]
    again = Environment(ses, slots)
    again.now += 11 * SECOND
    assert again.wait() is None


def test_last_quota_applies_while_ses_does_not_answer() -> None:
    ses, slots = Ses(SesQuota(14, 50_000, 0)), MemorySendSlots()
    Environment(ses, slots).wait()
    ses.answers.clear()
    later_on = Environment(ses, slots)
    later_on.now += timedelta(minutes=5)
    assert later_on.wait() is None
    assert ses.requests == 2


def test_worker_sleeps_until_its_slot() -> None:
    ses, slots = Ses(SesQuota(10, ENDLESS, 0)), MemorySendSlots()
    environments = [Environment(ses, slots) for _ in range(5)]
    for each in environments:
        assert each.wait() is None
    assert [each.slept for each in environments] == pytest.approx(
        [number / (10 * RATE_SHARE) for number in range(5)], abs=0.001
    )


def test_concurrent_workers_get_no_slot_twice() -> None:
    """Threads with their own environments, and a rate that gives every one of them a slot."""
    slots, places = MemorySendSlots(), set[int]()

    def work() -> None:
        for _ in range(10):
            slot = slots.take(slot_request(allowed(400), "transactional", 0, MONDAY_NOON))
            assert not isinstance(slot, NoSlot)
            places.add(slot)

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(places) == 80
    assert sorted(places)[-1] - micros(MONDAY_NOON) == 79 * 2778


def test_sends_of_many_threads_stay_below_rate_of_ses() -> None:
    """In real time, against a fake SES that checks the rate in every window of one second."""
    rate, mails = 100, 150
    limiter, slots = SendingRate(rate), MemorySendSlots()
    ses = Ses(SesQuota(rate, ENDLESS, 0))
    left = iter(range(mails))
    lock, sent = Lock(), list[int]()

    def work() -> None:
        pace = SendRateLimiter(slots, lambda: ses, lambda: datetime.now(UTC), sleep)
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            while why := pace.wait(draft(f"mail-{number}").ref, "marketing", None):
                assert why == "rate"
                sleep(0.02)
            limiter.spend(1)
            sent.append(number)

    slots.note(apply_quota(ses.quota(), [], datetime.now(UTC)))
    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == list(range(mails))


@pytest.mark.parametrize(("beyond", "given"), [(0, True), (1, False)])
def test_the_last_slot_that_a_worker_may_sleep_until_is_given_and_none_after_it(
    beyond: int, given: bool
) -> None:
    """In microseconds. DynamoDB's condition (`BETWEEN`) includes the last one too."""
    request = slot_request(allowed(10), "marketing", 0, MONDAY_NOON)
    taken = reserve_slot(RateShard(next=request.latest + beyond), request)
    assert (taken == NoSlot("rate")) is not given
