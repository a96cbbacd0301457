"""What counts and breakers promise, in memory and in DynamoDB."""

from datetime import timedelta

import pytest

from milepost.base import instants
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


def tallies(ports: Ports, count: str = "", since: int = 0) -> list[HourlyCount]:
    return list(ports.tallies.since(STORE, count, NOON - since * HOUR))


def test_mails_are_counted_by_the_hour(ports: Ports) -> None:
    ports.tallies.sent(STORE, "", NOON, 3)
    ports.tallies.sent(STORE, "", NOON, 4)
    ports.tallies.sent(STORE, "", NOON - HOUR, 1)
    ports.tallies.sent("other", "", NOON, 100)
    assert tallies(ports) == [HourlyCount(NOON, 7)]
    assert tallies(ports, since=1) == [HourlyCount(NOON - HOUR, 1), HourlyCount(NOON, 7)]


def test_what_became_of_a_mail_is_counted_once_however_often_it_is_told(ports: Ports) -> None:
    claim(with_ada(ports))
    for kind in BOTH:
        for _ in range(3):
            ports.tallies.suffered(draft().ref, kind, "", NOON)
    assert tallies(ports) == [HourlyCount(NOON, 0, 1, 1)]


def test_what_became_of_a_mail_that_nobody_sent_is_not_counted(ports: Ports) -> None:
    ports.tallies.suffered(draft().ref, "bounced", "", NOON)
    assert tallies(ports) == []


def test_a_new_count_knows_nothing_of_the_old(ports: Ports) -> None:
    ports.tallies.sent(STORE, "", NOON, 3)
    ports.tallies.sent(STORE, instants.format_instant(MONDAY_NOON), NOON, 5)
    assert tallies(ports) == [HourlyCount(NOON, 3)]
    assert tallies(ports, instants.format_instant(MONDAY_NOON)) == [HourlyCount(NOON, 5)]


def test_a_breaker_opens_once_and_is_seen_by_all_who_send(ports: Ports) -> None:
    assert ports.registry.head(STORE).breaker is None
    assert ports.breakers.open(STORE, "", STOPPED) == STOPPED
    again = STOPPED._replace(number=6, opened=MONDAY_NOON + HOUR)
    assert ports.breakers.open(STORE, "", again) == STOPPED
    assert ports.registry.head(STORE).breaker == STOPPED
    ports.breakers.mark_alerted(STORE, STOPPED)
    told = STOPPED._replace(told=True)
    assert ports.breakers.open(STORE, "", again) == told
    assert ports.registry.head(STORE).breaker == told
    assert ports.breakers.state(STORE) == ReputationState(told)


def test_settings_that_are_published_leave_a_breaker_alone(ports: Ports) -> None:
    ports.breakers.open(STORE, "", STOPPED)
    ports.publications.apply_settings(STORE, {"name": "Demo"})
    assert ports.publications.head(STORE).breaker == STOPPED


def test_who_closes_a_breaker_begins_a_new_count(ports: Ports) -> None:
    ports.breakers.open(STORE, "", STOPPED)
    assert ports.closer.close(STORE, STOPPED, MONDAY_NOON + HOUR, "ann", "list cleaned")
    head = ports.registry.head(STORE)
    assert (head.breaker, head.resumed) == (None, instants.format_instant(MONDAY_NOON + HOUR))
    assert ports.breakers.state(STORE) == ReputationState(None, head.resumed)
    assert ports.breakers.open(STORE, "", STOPPED) is None
    assert ports.breakers.open(STORE, head.resumed, STOPPED) == STOPPED


def test_a_breaker_is_closed_as_it_was_seen_or_not_at_all(ports: Ports) -> None:
    ports.breakers.open(STORE, "", STOPPED)
    seen = STOPPED._replace(number=9)
    assert not ports.closer.close(STORE, seen, MONDAY_NOON, "ann", "looked fine")
    assert ports.registry.head(STORE).breaker == STOPPED


@pytest.mark.parametrize("kind", ["sent", "bounced", "complained"])
def test_a_report_is_news_once(ports: Ports, kind: str) -> None:
    claim(with_ada(ports))
    report = DeliveryEvent(kind, MONDAY_NOON)  # type: ignore[arg-type]
    told = [ports.ledger.record_delivery_event(draft().ref, report) or {} for _ in range(3)]
    assert ["news" in facts for facts in told] == [True, False, False]
