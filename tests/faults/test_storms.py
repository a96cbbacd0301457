"""Checks the guarantees of the send ledger: 100,000 sends in 1,000 runs with random faults.

No marketing is sent twice, none is claimed after an opt-out was stored, no message stays open, and
all counts are right.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from milepost.sending.message import Accepted, Claimed, DeliveryEvent, NoResponse
from milepost.simulator.memory.ledger import MemoryLedger
from tests.faults.storm import (
    NO_FAULTS,
    RECIPIENTS,
    STEPS,
    TYPICAL,
    BrokenGuaranteeError,
    FaultRates,
    FaultyWorld,
    publish_store,
)
from tests.support.world import World

SEEDS = 1000
EACH = 40
FIRST = 80
"""So many runs belong to every test run, the others to `make test-deep`."""
BATCHES = [
    pytest.param(first, marks=[pytest.mark.deep] if first >= FIRST else [])
    for first in range(0, SEEDS, EACH)
]


@pytest.fixture(scope="module")
def published() -> World:
    return publish_store()


def run(published: World, seed: int, rates: FaultRates = TYPICAL) -> FaultyWorld:
    world = FaultyWorld(published, seed, rates)
    try:
        world.run_story()
        world.check()
    except Exception as broken:
        raise BrokenGuaranteeError(
            f"seed {seed}: {broken} (alone: python -m tests.faults.storm {seed})"
        ) from broken
    return world


@pytest.mark.parametrize("first", BATCHES)
def test_random_faults_break_no_ledger_guarantee(published: World, first: int) -> None:
    decided, injected = 0, 0
    for seed in range(first, first + EACH):
        world = run(published, seed)
        decided += len(world.state.messages)
        injected += sum(world.storm.injected.values())
    assert decided == EACH * RECIPIENTS * len(STEPS)
    assert injected > EACH * 20, "too few faults were injected"


def test_same_seed_gives_the_same_run(published: World) -> None:
    one, other = run(published, 7), run(published, 7)
    assert one.state.messages == other.state.messages
    assert one.storm.injected == other.storm.injected


def test_run_without_faults_sends_every_mail_once(published: World) -> None:
    world = run(published, 0, NO_FAULTS)
    assert {message["status"] for message in world.state.messages.values()} == {"accepted"}
    assert {*world.ses.accepted.values()} == {1}


def test_message_stays_unknown_only_if_ses_never_accepted_it(published: World) -> None:
    """If all delivery events arrive, a message is unknown only if SES never accepted it."""
    for seed in range(20):
        world = run(published, seed, FaultRates(event_lost=0))
        for ref, message in world.state.messages.items():
            if message["status"] == "unknown":
                assert not world.ses.accepted[ref], f"seed {seed}"


# --- each kind of fault alone ---

SINGLE_RATES = {
    "kills": NO_FAULTS._replace(killed=60, event_repeated=300),
    "throttled table": NO_FAULTS._replace(throttled=150),
    "lost responses of the table": NO_FAULTS._replace(response_lost=100, event_repeated=300),
    "SES times out, throttles and pauses": NO_FAULTS._replace(ses=600),
    "interleaved and repeated": NO_FAULTS._replace(interleaved=400, event_repeated=900),
    "missing delivery events": NO_FAULTS._replace(event_lost=500, ses=300),
    "negative reactions": NO_FAULTS._replace(negative_reaction=800, interleaved=300),
}


@pytest.mark.parametrize("name", SINGLE_RATES)
def test_single_kind_of_fault_breaks_no_ledger_guarantee(published: World, name: str) -> None:
    for seed in range(10):
        run(published, seed, SINGLE_RATES[name])


def test_unsubscribes_and_bounces_stop_mail_in_many_runs(published: World) -> None:
    reasons: Counter[str] = Counter()
    for seed in range(15):
        world = run(published, seed, SINGLE_RATES["negative reactions"])
        reasons.update(message.get("reason", "") for message in world.state.messages.values())
    assert {
        "consent withdrawn",
        "suppressed: hard bounce",
        "suppressed: complaint",
    } <= reasons.keys()


# --- broken ledgers are detected ---


class BrokenLedger(MemoryLedger):
    """A ledger without one of its guarantees."""


class ClaimsDecidedMessagesAgain(BrokenLedger):
    def claim(self, draft: Any, journal: Any, at: Any) -> Any:
        stored = self.state.messages.get(draft.ref)
        if stored is not None and stored["status"] in ("claimed", "unknown"):
            stored["status"] = "throttled"
        return super().claim(draft, journal, at)


class IgnoresOptOuts(BrokenLedger):
    def _refusal(self, draft: Any) -> None:
        return None


class OverwritesStatusWithTheResponse(BrokenLedger):
    def record_result(self, ref: Any, answer: Any, at: Any) -> None:
        super().record_result(ref, answer, at)
        if isinstance(answer, NoResponse) and ref in self.state.messages:
            self.state.messages[ref]["status"] = "skipped"


class TreatsEveryResponseAsSent(BrokenLedger):
    def record_result(self, ref: Any, answer: Any, at: Any) -> None:
        if not isinstance(answer, Accepted):
            self.record_delivery_event(ref, DeliveryEvent("sent", at))
            return
        super().record_result(ref, answer, at)


class RetriesMarketing(BrokenLedger):
    def record_result(self, ref: Any, answer: Any, at: Any) -> None:
        super().record_result(ref, answer, at)
        if isinstance(answer, NoResponse):
            self.state.messages[ref]["status"] = "throttled"


class DropsTimers(BrokenLedger):
    def claim(self, draft: Any, journal: Any, at: Any) -> Any:
        answer = super().claim(draft, journal, at)
        if isinstance(answer, Claimed):
            self.state.messages[draft.ref].pop("timer_due")
        return answer


@pytest.fixture(params=BrokenLedger.__subclasses__(), ids=lambda broken: broken.__name__)
def broken_ledger(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., MemoryLedger]]:
    monkeypatch.setattr("tests.support.environment.MemoryLedger", request.param)
    yield request.param


@pytest.mark.usefixtures("broken_ledger")
def test_ledger_without_one_guarantee_is_detected(published: World) -> None:
    with pytest.raises(BrokenGuaranteeError, match=r"seed \d+: .*python -m tests.faults.storm \d+"):
        for seed in range(40):
            run(published, seed, FaultRates(negative_reaction=300, event_lost=400))


def test_wrong_count_is_detected(published: World) -> None:
    world = run(published, 1)
    counts = next(iter(world.numbers("news").steps.values()))
    with pytest.raises(BrokenGuaranteeError):
        world._check_counts("mail-0", replace(counts, sent=counts.sent + 1), RECIPIENTS // 2)
