"""The contract of reputation counts and marketing stops, in memory and in DynamoDB."""

from datetime import timedelta

import pytest

from milepost.base import times
from milepost.published.marketing_stop import Kind, MarketingStop
from milepost.sending.message import DeliveryEvent
from milepost.sending.reputation import HourlyCount, ReputationState, hour_of
from tests.support.builders import MONDAY_NOON, STORE, draft
from tests.support.ledgers import claim, with_ada
from tests.support.ports import Ports

HOUR = timedelta(hours=1)
NOON = hour_of(MONDAY_NOON)
STOPPED = MarketingStop(MONDAY_NOON, "bounced", 5, 250, 1)
BOTH: tuple[Kind, ...] = ("bounced", "complained")


def hourly_counts(ports: Ports, count: str = "", since: int = 0) -> list[HourlyCount]:
    return list(ports.tallies.since(STORE, count, NOON - since * HOUR))


def test_sent_emails_are_counted_by_hour(ports: Ports) -> None:
    ports.tallies.sent(STORE, "", NOON, 3)
    ports.tallies.sent(STORE, "", NOON, 4)
    ports.tallies.sent(STORE, "", NOON - HOUR, 1)
    ports.tallies.sent("other", "", NOON, 100)
    assert hourly_counts(ports) == [HourlyCount(NOON, 7)]
    assert hourly_counts(ports, since=1) == [HourlyCount(NOON - HOUR, 1), HourlyCount(NOON, 7)]


def test_repeated_bounce_is_counted_once(ports: Ports) -> None:
    claim(with_ada(ports))
    for kind in BOTH:
        for _ in range(3):
            ports.tallies.suffered(draft().ref, kind, "", NOON)
    assert hourly_counts(ports) == [HourlyCount(NOON, 0, 1, 1)]


def test_bounce_of_unknown_message_is_not_counted(ports: Ports) -> None:
    ports.tallies.suffered(draft().ref, "bounced", "", NOON)
    assert hourly_counts(ports) == []


def test_new_count_starts_at_zero(ports: Ports) -> None:
    ports.tallies.sent(STORE, "", NOON, 3)
    ports.tallies.sent(STORE, times.format_instant(MONDAY_NOON), NOON, 5)
    assert hourly_counts(ports) == [HourlyCount(NOON, 3)]
    assert hourly_counts(ports, times.format_instant(MONDAY_NOON)) == [HourlyCount(NOON, 5)]


def test_marketing_stop_opens_once_and_all_senders_see_it(ports: Ports) -> None:
    assert ports.registry.head(STORE).breaker is None
    assert ports.breakers.open(STORE, "", STOPPED) == STOPPED
    again = STOPPED._replace(number=6, opened=MONDAY_NOON + HOUR)
    assert ports.breakers.open(STORE, "", again) == STOPPED
    assert ports.registry.head(STORE).breaker == STOPPED
    ports.breakers.mark_alerted(STORE, STOPPED)
    alerted = STOPPED._replace(alerted=True)
    assert ports.breakers.open(STORE, "", again) == alerted
    assert ports.registry.head(STORE).breaker == alerted
    assert ports.breakers.state(STORE) == ReputationState(alerted)


def test_published_settings_keep_marketing_stop(ports: Ports) -> None:
    ports.breakers.open(STORE, "", STOPPED)
    ports.publications.apply_settings(STORE, {"name": "Demo"})
    assert ports.publications.head(STORE).breaker == STOPPED


def test_resuming_marketing_starts_new_count(ports: Ports) -> None:
    ports.breakers.open(STORE, "", STOPPED)
    assert ports.closer.close(STORE, STOPPED, MONDAY_NOON + HOUR, "ann", "list cleaned")
    head = ports.registry.head(STORE)
    assert (head.breaker, head.resumed) == (None, times.format_instant(MONDAY_NOON + HOUR))
    assert ports.breakers.state(STORE) == ReputationState(None, head.resumed)
    assert ports.breakers.open(STORE, "", STOPPED) is None
    assert ports.breakers.open(STORE, head.resumed, STOPPED) == STOPPED


def test_resume_fails_if_marketing_stop_has_changed(ports: Ports) -> None:
    ports.breakers.open(STORE, "", STOPPED)
    seen = STOPPED._replace(number=9)
    assert not ports.closer.close(STORE, seen, MONDAY_NOON, "ann", "looked fine")
    assert ports.registry.head(STORE).breaker == STOPPED


@pytest.mark.parametrize("kind", ["sent", "bounced", "complained"])
def test_first_delivery_event_of_kind_is_news(ports: Ports, kind: str) -> None:
    claim(with_ada(ports))
    report = DeliveryEvent(kind, MONDAY_NOON)  # type: ignore[arg-type]
    results = [ports.ledger.record_delivery_event(draft().ref, report) or {} for _ in range(3)]
    assert ["news" in facts for facts in results] == [True, False, False]
