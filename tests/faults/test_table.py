"""The table's own troubles, as DynamoDB words them: throttled, in conflict, done without a word."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from milepost.aws.table import Table
from milepost.base.errors import ThrottledError
from milepost.contacts.dynamodb.contacts import DynamoContacts
from milepost.contacts.dynamodb.timeline import DynamoTimeline
from milepost.contacts.suppression import address_hash
from milepost.sending.dynamodb.ledger import DynamoLedger
from milepost.sending.feedback import FeedbackRecorder
from milepost.sending.message import Accepted, ClaimDenied, Claimed, DeliveryEvent
from milepost.stores.settings import StoreSettings
from tests.support.builders import ADA, MONDAY_NOON, STORE, draft
from tests.support.ledgers import NOTES, claim, status, with_ada
from tests.support.ports import RETENTION, Cloud, Ports, cloud, dynamo_ports

WRITES = ("put_item", "update_item", "transact_write_items")


def said(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, **more}, "Write")  # type: ignore[typeddict-item]


CONFLICT = said(
    "TransactionCanceledException",
    CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}],
)
REFUSALS = {
    "throttled": said("ThrottlingException"),
    "too fast": said("ProvisionedThroughputExceededException"),
    "a conflict": said("TransactionConflictException"),
    "a transaction in conflict": CONFLICT,
    "broken": said("InternalServerError"),
}


class Flaky:
    """DynamoDB's client: the next write is refused, or done and its answer lost."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.refusal: Exception | None = None
        self.meanwhile: list[Callable[[], object]] = []
        self.loses = False

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._client, name)
        if name not in WRITES:
            return act

        def write(**request: Any) -> Any:
            if self.refusal is not None:
                error, self.refusal = self.refusal, None
                raise error
            if self.meanwhile:
                self.meanwhile.pop(0)()
            answer = act(**request)
            if self.loses:
                self.loses = False
                raise ReadTimeoutError(endpoint_url="https://dynamodb.example")
            return answer

        return write


@pytest.fixture(scope="module")
def aws() -> Iterator[Cloud]:
    with cloud() as imitated:
        yield imitated


@pytest.fixture
def flaky(aws: Cloud) -> Flaky:
    return Flaky(aws.dynamodb)


@pytest.fixture
def ports(aws: Cloud, flaky: Flaky) -> Ports:
    """All ports of DynamoDB; those of the send path go over the flaky client."""
    whole = with_ada(dynamo_ports(aws))
    table = Table(flaky, whole.ledger.table.name)  # type: ignore[attr-defined,arg-type]
    return replace(
        whole,
        ledger=DynamoLedger(table, lambda instant: instant),
        contacts=DynamoContacts(table, RETENTION),
        timeline=DynamoTimeline(table, RETENTION),
    )


def told(ports: Ports, kind: str) -> None:
    report = DeliveryEvent(kind, MONDAY_NOON, ADA, permanent=True, detail="Bounce")  # type: ignore[arg-type]
    learner = FeedbackRecorder(
        ports.contacts, ports.ledger, ports.timeline, lambda _: StoreSettings()
    )
    assert learner.record(STORE, draft().ref.id, report)


DEEDS: dict[str, Callable[[Ports], object]] = {
    "claim": claim,
    "settle": lambda ports: ports.ledger.record_result(draft().ref, Accepted("ses-1"), MONDAY_NOON),
    "close": lambda ports: ports.ledger.record_skip(
        draft("next"), "skipped", "no consent", NOTES, MONDAY_NOON
    ),
    "learn": lambda ports: told(ports, "bounced"),
}


@pytest.mark.parametrize("trouble", REFUSALS)
@pytest.mark.parametrize("deed", DEEDS)
def test_throttled_write_raises_and_succeeds_once_on_retry(
    ports: Ports, flaky: Flaky, deed: str, trouble: str
) -> None:
    if deed != "claim":
        claim(ports)
    flaky.refusal = REFUSALS[trouble]
    with pytest.raises(ThrottledError):
        DEEDS[deed](ports)
    assert DEEDS[deed](ports) in (None, Claimed())


def test_claim_with_lost_response_is_not_repeated(ports: Ports, flaky: Flaky) -> None:
    """Who asks again cannot know whether it was its own: it submits nothing, and says unknown."""
    flaky.loses = True
    with pytest.raises(ThrottledError):
        claim(ports)
    assert claim(ports) == ClaimDenied("decided before", "claimed")


@pytest.mark.parametrize("deed", ["settle", "close"])
def test_write_with_lost_response_is_idempotent(ports: Ports, flaky: Flaky, deed: str) -> None:
    claim(ports)
    flaky.loses = True
    with pytest.raises(ThrottledError):
        DEEDS[deed](ports)
    once = [ports.look.message(draft(step).ref) for step in ("reminder", "next")]
    DEEDS[deed](ports)
    assert [ports.look.message(draft(step).ref) for step in ("reminder", "next")] == once


@pytest.mark.parametrize("write", [1, 2, 3])
def test_delivery_event_recorded_partly_is_completed_on_retry(
    ports: Ports, flaky: Flaky, write: int
) -> None:
    """The ledger, the suppression and the event: each of the three writes may lose its answer."""
    claim(ports)
    deeds: list[Callable[[], object]] = [
        lambda: ports.ledger.record_delivery_event(
            draft().ref, DeliveryEvent("bounced", MONDAY_NOON, ADA)
        ),
        lambda: ports.contacts.suppress(STORE, address_hash(ADA), "hard bounce", MONDAY_NOON),
        lambda: None,
    ]
    for deed in deeds[: write - 1]:
        deed()
    flaky.loses = True
    with pytest.raises(ThrottledError):
        told(ports, "bounced")
    told(ports, "bounced")
    assert status(ports) == "accepted"
    assert ports.look.suppressions() == ["hard bounce"]
    assert claim(ports, draft("next")) == ClaimDenied("suppressed: hard bounce")


@pytest.mark.parametrize("place", [0, 1], ids=["before it is kept", "before it is weighed"])
def test_two_clicks_recorded_concurrently_are_checked_together_for_bots(
    ports: Ports, flaky: Flaky, place: int
) -> None:
    """The second is learned whole while the first is between its two writes."""
    claim(ports)
    one, other = (
        DeliveryEvent("clicked", MONDAY_NOON + timedelta(hours=1, seconds=after), ADA, link)
        for after, link in ((0, "a"), (0.2, "b"))
    )
    flaky.meanwhile = [
        *[lambda: None] * place,
        lambda: ports.ledger.record_delivery_event(draft().ref, other),
    ]
    assert ports.ledger.record_delivery_event(draft().ref, one) is not None
    kept = ports.look.message(draft().ref)
    assert "clicked_at" not in kept
    assert kept["bot_clicked_at"] == "2026-11-02T13:00:00.000Z"
