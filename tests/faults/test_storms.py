"""A hundred thousand sends in a thousand storms: what the send ledger promises, kept to the end.

No marketing mail twice, none begun after a committed "no", nothing forgotten, nothing miscounted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from milepost.sending.message import Accepted, Claimed, DeliveryEvent, NoResponse
from milepost.simulator.memory.ledger import MemoryLedger
from tests.faults.storm import CALM, READERS, STEPS, STORMY, Found, Sea, Weather, published
from tests.support.world import World

SEEDS = 1000
EACH = 40
FIRST = 80
"""So many storms are a part of every test run, and the others of `make test-deep`."""
BATCHES = [
    pytest.param(first, marks=[pytest.mark.deep] if first >= FIRST else [])
    for first in range(0, SEEDS, EACH)
]


@pytest.fixture(scope="module")
def shore() -> World:
    return published()


def tell(shore: World, seed: int, weather: Weather = STORMY) -> Sea:
    sea = Sea(shore, seed, weather)
    try:
        sea.tell()
        sea.judge()
    except Exception as broken:
        raise Found(
            f"seed {seed}: {broken} (alone: python -m tests.faults.storm {seed})"
        ) from broken
    return sea


@pytest.mark.parametrize("first", BATCHES)
def test_no_storm_breaks_a_promise(shore: World, first: int) -> None:
    decided, harm = 0, 0
    for seed in range(first, first + EACH):
        sea = tell(shore, seed)
        decided += len(sea.state.messages)
        harm += sum(sea.storm.harm.values())
    assert decided == EACH * READERS * len(STEPS)
    assert harm > EACH * 20, "this was no storm"


def test_the_same_seed_is_the_same_story(shore: World) -> None:
    one, other = tell(shore, 7), tell(shore, 7)
    assert one.state.messages == other.state.messages
    assert one.storm.harm == other.storm.harm


def test_in_a_calm_everything_arrives_once(shore: World) -> None:
    sea = tell(shore, 0, CALM)
    assert {message["status"] for message in sea.state.messages.values()} == {"accepted"}
    assert {*sea.post.taken.values()} == {1}


def test_only_what_nobody_can_know_stays_unknown(shore: World) -> None:
    """With every report told, a message is unknown only if the post never had it."""
    for seed in range(20):
        sea = tell(shore, seed, Weather(untold=0))
        for ref, message in sea.state.messages.items():
            if message["status"] == "unknown":
                assert not sea.post.taken[ref], f"seed {seed}"


# --- each kind of weather alone ---

STORMS = {
    "kills": CALM._replace(killed=60, told_twice=300),
    "a table that refuses": CALM._replace(refused=150),
    "answers of the table that are lost": CALM._replace(lost=100, told_twice=300),
    "a post that times out, throttles and pauses": CALM._replace(post=600),
    "everything at once and in any order": CALM._replace(meanwhile=400, told_twice=900),
    "reports that never come": CALM._replace(untold=500, post=300),
    "readers who say no": CALM._replace(regret=800, meanwhile=300),
}


@pytest.mark.parametrize("name", STORMS)
def test_one_kind_of_trouble_alone_breaks_no_promise(shore: World, name: str) -> None:
    for seed in range(10):
        tell(shore, seed, STORMS[name])


def test_readers_who_say_no_are_heard_in_many_of_these_stories(shore: World) -> None:
    fates: Counter[str] = Counter()
    for seed in range(15):
        sea = tell(shore, seed, STORMS["readers who say no"])
        fates.update(message.get("reason", "") for message in sea.state.messages.values())
    assert {"consent withdrawn", "suppressed: hard bounce", "suppressed: complaint"} <= fates.keys()


# --- what a storm would find ---


class Careless(MemoryLedger):
    """A ledger with one promise left out."""


class NeverAsksWhetherItIsNew(Careless):
    def claim(self, draft: Any, journal: Any, at: Any) -> Any:
        held = self.state.messages.get(draft.ref)
        if held is not None and held["status"] in ("claimed", "unknown"):
            held["status"] = "throttled"
        return super().claim(draft, journal, at)


class NeverAsksWhetherTheReaderSaidNo(Careless):
    def _refusal(self, draft: Any) -> None:
        return None


class LetsTheAnswerHaveTheLastWord(Careless):
    def record_result(self, ref: Any, answer: Any, at: Any) -> None:
        super().record_result(ref, answer, at)
        if isinstance(answer, NoResponse) and ref in self.state.messages:
            self.state.messages[ref]["status"] = "skipped"


class BelievesEveryReportToBeAboutTheMessage(Careless):
    def record_result(self, ref: Any, answer: Any, at: Any) -> None:
        if not isinstance(answer, Accepted):
            self.record_delivery_event(ref, DeliveryEvent("sent", at))
            return
        super().record_result(ref, answer, at)


class TriesMarketingTwice(Careless):
    def record_result(self, ref: Any, answer: Any, at: Any) -> None:
        super().record_result(ref, answer, at)
        if isinstance(answer, NoResponse):
            self.state.messages[ref]["status"] = "throttled"


class ForgetsWhatIsDue(Careless):
    def claim(self, draft: Any, journal: Any, at: Any) -> Any:
        answer = super().claim(draft, journal, at)
        if isinstance(answer, Claimed):
            self.state.messages[draft.ref].pop("timer_due")
        return answer


@pytest.fixture(params=Careless.__subclasses__(), ids=lambda broken: broken.__name__)
def careless(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., MemoryLedger]]:
    monkeypatch.setattr("tests.support.environment.MemoryLedger", request.param)
    yield request.param


@pytest.mark.usefixtures("careless")
def test_a_ledger_that_leaves_out_one_promise_is_found_out(shore: World) -> None:
    with pytest.raises(Found, match=r"seed \d+: .*python -m tests.faults.storm \d+"):
        for seed in range(40):
            tell(shore, seed, Weather(regret=300, untold=400))


def test_a_number_that_does_not_add_up_is_found_out(shore: World) -> None:
    sea = tell(shore, 1)
    counts = next(iter(sea.numbers("news").steps.values()))
    with pytest.raises(Found):
        sea._count("mail-0", replace(counts, sent=counts.sent + 1), READERS // 2)
