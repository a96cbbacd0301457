"""Faults of DynamoDB: throttling, conflicts, and writes whose response is lost."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from milepost.aws.table import Table
from milepost.base.addresses import address_hash
from milepost.base.errors import ThrottledError
from milepost.contacts.dynamodb.contacts import DynamoContacts
from milepost.contacts.dynamodb.timeline import DynamoTimeline
from milepost.sending.dynamodb.ledger import DynamoLedger
from milepost.sending.feedback import FeedbackRecorder
from milepost.sending.message import Accepted, ClaimDenied, Claimed, DeliveryEvent
from milepost.stores.settings import StoreSettings
from tests.support.builders import ADA, MONDAY_NOON, STORE, draft
from tests.support.ledgers import NOTES, claim, status, with_ada
from tests.support.ports import RETENTION, Cloud, Ports, cloud, dynamo_ports

WRITES = ("put_item", "update_item", "transact_write_items")


def client_error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, **more}, "Write")  # type: ignore[typeddict-item]


CONFLICT = client_error(
    "TransactionCanceledException",
    CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}],
)
ERRORS = {
    "throttled": client_error("ThrottlingException"),
    "too fast": client_error("ProvisionedThroughputExceededException"),
    "a conflict": client_error("TransactionConflictException"),
    "a transaction in conflict": CONFLICT,
    "broken": client_error("InternalServerError"),
}


class FlakyClient:
    """A DynamoDB client whose next write fails, or succeeds with a lost response."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.error_on_write: Exception | None = None
        self.meanwhile: list[Callable[[], object]] = []
        self.loses_response = False

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._client, name)
        if name not in WRITES:
            return act

        def write(**request: Any) -> Any:
            if self.error_on_write is not None:
                error, self.error_on_write = self.error_on_write, None
                raise error
            if self.meanwhile:
                self.meanwhile.pop(0)()
            answer = act(**request)
            if self.loses_response:
                self.loses_response = False
                raise ReadTimeoutError(endpoint_url="https://dynamodb.example")
            return answer

        return write


@pytest.fixture(scope="module")
def aws() -> Iterator[Cloud]:
    with cloud() as imitated:
        yield imitated


@pytest.fixture
def flaky(aws: Cloud) -> FlakyClient:
    return FlakyClient(aws.dynamodb)


@pytest.fixture
def ports(aws: Cloud, flaky: FlakyClient) -> Ports:
    """All ports of DynamoDB. The ports of the send path use the flaky client."""
    usual = with_ada(dynamo_ports(aws))
    table = Table(flaky, usual.ledger.table.name)  # type: ignore[attr-defined,arg-type]
    return replace(
        usual,
        ledger=DynamoLedger(table, lambda instant: instant),
        contacts=DynamoContacts(table, RETENTION),
        timeline=DynamoTimeline(table, RETENTION),
    )


def record_delivery_event(ports: Ports, kind: str) -> None:
    event = DeliveryEvent(kind, MONDAY_NOON, ADA, permanent=True, detail="Bounce")  # type: ignore[arg-type]
    recorder = FeedbackRecorder(
        ports.contacts, ports.ledger, ports.timeline, lambda _: StoreSettings()
    )
    assert recorder.record(STORE, draft().ref.id, event)


WRITE_ACTIONS: dict[str, Callable[[Ports], object]] = {
    "claim": claim,
    "settle": lambda ports: ports.ledger.record_result(draft().ref, Accepted("ses-1"), MONDAY_NOON),
    "close": lambda ports: ports.ledger.record_skip(
        draft("next"), "skipped", "no consent", NOTES, MONDAY_NOON
    ),
    "record": lambda ports: record_delivery_event(ports, "bounced"),
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("action", WRITE_ACTIONS)
def test_throttled_write_raises_and_succeeds_once_on_retry(
    ports: Ports, flaky: FlakyClient, action: str, error: str
) -> None:
    if action != "claim":
        claim(ports)
    flaky.error_on_write = ERRORS[error]
    with pytest.raises(ThrottledError):
        WRITE_ACTIONS[action](ports)
    assert WRITE_ACTIONS[action](ports) in (None, Claimed())


def test_claim_with_lost_response_is_not_repeated(ports: Ports, flaky: FlakyClient) -> None:
    """The retry cannot know whether the first claim was its own, so it submits nothing."""
    flaky.loses_response = True
    with pytest.raises(ThrottledError):
        claim(ports)
    assert claim(ports) == ClaimDenied("decided before", "claimed")


@pytest.mark.parametrize("action", ["settle", "close"])
def test_write_with_lost_response_is_idempotent(
    ports: Ports, flaky: FlakyClient, action: str
) -> None:
    claim(ports)
    flaky.loses_response = True
    with pytest.raises(ThrottledError):
        WRITE_ACTIONS[action](ports)
    stored = [ports.look.message(draft(step).ref) for step in ("reminder", "next")]
    WRITE_ACTIONS[action](ports)
    assert [ports.look.message(draft(step).ref) for step in ("reminder", "next")] == stored


@pytest.mark.parametrize("write", [1, 2, 3])
def test_delivery_event_recorded_partly_is_completed_on_retry(
    ports: Ports, flaky: FlakyClient, write: int
) -> None:
    """Each of the three writes (ledger, suppression, event) loses its response once."""
    claim(ports)
    actions: list[Callable[[], object]] = [
        lambda: ports.ledger.record_delivery_event(
            draft().ref, DeliveryEvent("bounced", MONDAY_NOON, ADA)
        ),
        lambda: ports.contacts.suppress(STORE, address_hash(ADA), "hard bounce", MONDAY_NOON),
        lambda: None,
    ]
    for action in actions[: write - 1]:
        action()
    flaky.loses_response = True
    with pytest.raises(ThrottledError):
        record_delivery_event(ports, "bounced")
    record_delivery_event(ports, "bounced")
    assert status(ports) == "accepted"
    assert ports.look.suppressions() == ["hard bounce"]
    assert claim(ports, draft("next")) == ClaimDenied("suppressed: hard bounce")


@pytest.mark.parametrize("skipped", [0, 1], ids=["before the write", "before the bot check"])
def test_two_clicks_recorded_concurrently_are_checked_together_for_bots(
    ports: Ports, flaky: FlakyClient, skipped: int
) -> None:
    """The second click is recorded completely between the two writes of the first."""
    claim(ports)
    one, other = (
        DeliveryEvent("clicked", MONDAY_NOON + timedelta(hours=1, seconds=after), ADA, link)
        for after, link in ((0, "a"), (0.2, "b"))
    )
    flaky.meanwhile = [
        *[lambda: None] * skipped,
        lambda: ports.ledger.record_delivery_event(draft().ref, other),
    ]
    assert ports.ledger.record_delivery_event(draft().ref, one) is not None
    message = ports.look.message(draft().ref)
    assert "clicked_at" not in message
    assert message["bot_clicked_at"] == "2026-11-02T13:00:00.000Z"
