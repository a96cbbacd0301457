"""Every single call of the send path, cut off or refused, before and after: there are no more."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from milepost.sending.message import (
    Answer,
    DeliveryEvent,
    NoResponse,
    OutgoingEmail,
    SubmissionRejected,
)
from tests.faults.storm import CALM, STEPS, TROUBLES, Sea, Strike, Weather, published
from tests.support.builders import STORE
from tests.support.world import World

TOLD, UNTOLD = CALM, CALM._replace(untold=1000)
NEWS, RECEIPT = 1, 0
HANDING_OVER = {"ledger.claim", "ledger.claim_again", "mailer.send", "ledger.record_result"}


@pytest.fixture(scope="module")
def shore() -> World:
    return published()


def tell(shore: World, reader: int, weather: Weather = TOLD, strike: Strike | None = None) -> Sea:
    sea = Sea(shore, 0, weather, readers=[reader])
    sea.storm.strike = strike
    sea.tell()
    sea.judge()
    return sea


def statuses(sea: Sea) -> list[str]:
    return [sea.messages(f"reader-{sea.readers[0]}@mail.example")[step][0] for step in STEPS]


def in_doubt(name: str, how: str) -> bool:
    """Whether a trouble here leaves nobody who knows if the message was handed over."""
    return name in HANDING_OVER and (name, how) not in {
        ("ledger.claim", "killed before"),
        ("ledger.claim", "refused"),
        ("ledger.record_result", "killed after"),
        ("ledger.record_result", "answer lost"),
    }


@pytest.mark.parametrize("how", TROUBLES)
@pytest.mark.parametrize("weather", [TOLD, UNTOLD], ids=["told", "untold"])
@pytest.mark.parametrize("reader", [NEWS, RECEIPT], ids=["marketing", "transactional"])
def test_fault_at_any_single_call_loses_or_doubles_no_more_than_allowed(
    shore: World, reader: int, weather: Weather, how: str
) -> None:
    calls = tell(shore, reader, weather).storm.called
    assert {"ledger.claim", "mailer.send", "ledger.record_result", "enrollments.load"} <= {*calls}
    for number, name in enumerate(calls, 1):
        if name == "mailer.send" and how in ("refused", "answer lost"):
            continue  # these are answers of the post: see below
        sea = tell(shore, reader, weather, Strike(number, how))
        fates, copies = Counter(statuses(sea)), sea.post.taken
        assert fates["accepted"] + fates["unknown"] == len(STEPS)
        assert sum(copies.values()) - len(copies) <= (reader == RECEIPT)
        doubted = in_doubt(name, how)
        if not doubted:
            assert fates["accepted"] == len(STEPS), name
            assert {*copies.values()} == {1}, name
        elif reader == RECEIPT:
            assert len(copies) == len(STEPS), f"{name}: a receipt was not sent at all"
        assert fates["unknown"] <= doubted


# --- the post ---


def with_post(shore: World, reader: int, weather: Weather, *answers: object) -> Sea:
    """The first submissions are answered as told; `True` before an answer: the post took it."""
    sea = Sea(shore, 0, weather, readers=[reader])
    script = [*answers]
    take = sea.post._take

    def send(mail: OutgoingEmail) -> object:
        if not script:
            sea.post.submitted[mail.ref] += 1
            return take(mail)
        answer = script.pop(0)
        if not (isinstance(answer, SubmissionRejected) and answer.retry):
            sea.post.submitted[mail.ref] += 1
        if isinstance(answer, tuple) and answer and answer[0] is True:
            take(mail)
            return answer[1]
        return answer

    sea.post.send = send  # type: ignore[assignment,method-assign]
    sea.tell()
    sea.judge()
    return sea


LOST = NoResponse("ReadTimeoutError")
TOOK_IT = (True, LOST)


@pytest.mark.parametrize("answer", [LOST, NoResponse("503")], ids=["time-out", "503"])
def test_timeout_before_ses_accepts_abandons_marketing_and_retries_receipts(
    shore: World, answer: NoResponse
) -> None:
    """Marketing is given up and counted, a receipt is sent once more."""
    news = with_post(shore, NEWS, TOLD, answer)
    assert (statuses(news)[0], news.post.taken.total()) == ("unknown", 4)
    receipts = with_post(shore, RECEIPT, TOLD, answer)
    assert (statuses(receipts), receipts.post.taken.total()) == (["accepted"] * 5, 5)


def test_timeout_after_ses_accepts_is_settled_by_the_delivery_event(shore: World) -> None:
    for reader in (NEWS, RECEIPT):
        sea = with_post(shore, reader, TOLD, TOOK_IT)
        assert statuses(sea) == ["accepted"] * 5
        assert {*sea.post.taken.values()} == {1}


def test_timeout_without_delivery_events_keeps_marketing_single_and_resends_receipts(
    shore: World,
) -> None:
    """Nobody can know: marketing stays at one copy, and a receipt comes twice rather than never."""
    news = with_post(shore, NEWS, UNTOLD, TOOK_IT)
    assert (statuses(news)[0], news.post.taken.total()) == ("unknown", 5)
    receipts = with_post(shore, RECEIPT, UNTOLD, TOOK_IT)
    assert (statuses(receipts)[0], receipts.post.taken.total()) == ("accepted", 6)


@pytest.mark.parametrize(
    "code", ["TooManyRequestsException", "SendingPausedException", "AccountSuspendedException"]
)
def test_repeated_ses_refusals_only_delay_mail(shore: World, code: str) -> None:
    for reader in (NEWS, RECEIPT):
        sea = with_post(shore, reader, TOLD, *[SubmissionRejected(code, retry=True)] * 60)
        assert statuses(sea) == ["accepted"] * 5
        assert {*sea.post.taken.values()} == {1}


def test_message_rejected_by_ses_is_not_submitted_again(shore: World) -> None:
    for reader in (NEWS, RECEIPT):
        sea = with_post(shore, reader, TOLD, SubmissionRejected("MessageRejected"))
        assert statuses(sea) == ["rejected", *["accepted"] * 4]
        assert {*sea.post.submitted.values()} == {1}


# --- what the post reports ---


def reported(shore: World, *kinds: str) -> Sea:
    """Each of these is told of the first mail ten times, in the middle of its own submission."""
    sea = Sea(shore, 0, UNTOLD, readers=[NEWS])
    take = sea.post._take

    def early(mail: OutgoingEmail) -> Answer:
        answer = take(mail)
        for kind in kinds * 10 if mail.tags["step"] == STEPS[0] else ():
            report = DeliveryEvent(kind, sea.now, mail.to, permanent=True)  # type: ignore[arg-type]
            sea.learner.record(STORE, mail.ref.id, report)
        return LOST if mail.tags["step"] == STEPS[0] else answer

    sea.post._take = early  # type: ignore[method-assign]
    sea.tell()
    sea.judge()
    return sea


def test_delivery_events_before_the_response_or_repeated_count_once(shore: World) -> None:
    told = [reported(shore, *kinds) for kinds in (("sent", "delivered"), ("delivered", "sent"))]
    for one, other in pairwise(told):
        assert one.state.messages == other.state.messages
        assert statuses(one) == ["accepted"] * 5


@pytest.mark.parametrize("last", ["bounced", "complained"])
def test_bounce_or_complaint_after_delivery_stops_further_mail(shore: World, last: str) -> None:
    sea = reported(shore, "delivered", last)
    assert statuses(sea) == ["accepted", *["skipped"] * 4]
    assert len([event for event in sea.state.stream if event.event.source == "email"]) == 1


# --- clocks that are off ---


@pytest.mark.parametrize("minutes", [-5, 5])
def test_clock_skew_sends_no_marketing_twice(shore: World, minutes: int) -> None:
    skewed = CALM._replace(skew=timedelta(minutes=minutes), meanwhile=500, post=300, told_twice=900)
    for seed in range(8):
        sea = Sea(shore, seed, skewed)
        sea.tell()
        sea.judge()
