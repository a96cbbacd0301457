"""The cost of one event does not depend on the amount of data: counts the calls to DynamoDB."""

from collections.abc import Iterator

import pytest

from tests.support.cost_counter import Costs, Counted
from tests.support.ports import Cloud, cloud

FEW, MANY = 10, 10_000

pytestmark = [pytest.mark.no_cover, pytest.mark.slow]


@pytest.fixture(scope="module")
def aws() -> Iterator[Cloud]:
    with cloud() as made_up:
        yield made_up


@pytest.fixture(scope="module")
def alone(aws: Cloud) -> Costs:
    return Counted(aws).costs()


def test_order_event_has_a_fixed_cost(alone: Costs) -> None:
    calls, read = alone
    # Writes: the event, the address, the member, the membership change. Reads: the profile, an
    # event window of orders.
    assert calls == {"PutItem": 4, "GetItem": 1, "Query": 1, "UpdateItem": 1}
    assert read <= 6


@pytest.mark.parametrize("number", [FEW, MANY])
def test_other_contacts_add_no_cost(aws: Cloud, alone: Costs, number: int) -> None:
    assert Counted(aws).with_contacts(number).costs() == alone


@pytest.mark.parametrize("number", [FEW, MANY])
def test_past_events_of_contact_add_no_cost(aws: Cloud, alone: Costs, number: int) -> None:
    assert Counted(aws).with_past(number).costs() == alone


@pytest.mark.parametrize("number", [5, 100])
def test_unaffected_segments_add_no_cost(aws: Cloud, alone: Costs, number: int) -> None:
    assert Counted(aws).with_segments(number).costs()[0] == alone[0]


@pytest.mark.parametrize("number", [FEW, 100])
def test_workflows_with_other_triggers_add_no_cost(aws: Cloud, alone: Costs, number: int) -> None:
    assert Counted(aws).with_workflows(number).costs() == alone


def test_scheduler_run_reads_only_due_timers(aws: Cloud) -> None:
    """A scheduler run with ten thousand contacts, three of whom have their birthday."""
    found, read, scans = Counted(aws).sweep(3, MANY)
    assert (found, scans) == (3, 0)
    assert read <= 4
