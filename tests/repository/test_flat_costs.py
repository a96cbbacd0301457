"""What one event costs does not depend on how much there is: the calls of DynamoDB are counted."""

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


def test_an_order_that_moves_a_contact_costs_so_much(alone: Costs) -> None:
    calls, read = alone
    # Written: the event, the address, the member, the news. Read: the profile, a window of orders.
    assert calls == {"PutItem": 4, "GetItem": 1, "Query": 1, "UpdateItem": 1}
    assert read <= 6


@pytest.mark.parametrize("number", [FEW, MANY])
def test_other_contacts_cost_nothing(aws: Cloud, alone: Costs, number: int) -> None:
    assert Counted(aws).with_contacts(number).costs() == alone


@pytest.mark.parametrize("number", [FEW, MANY])
def test_the_past_of_the_contact_costs_nothing(aws: Cloud, alone: Costs, number: int) -> None:
    assert Counted(aws).with_past(number).costs() == alone


@pytest.mark.parametrize("number", [5, 100])
def test_segments_that_are_about_other_things_cost_nothing(
    aws: Cloud, alone: Costs, number: int
) -> None:
    assert Counted(aws).with_segments(number).costs()[0] == alone[0]


@pytest.mark.parametrize("number", [FEW, 100])
def test_workflows_that_begin_otherwise_cost_nothing(aws: Cloud, alone: Costs, number: int) -> None:
    assert Counted(aws).with_workflows(number).costs() == alone


def test_a_sweep_reads_only_the_timers_that_are_due(aws: Cloud) -> None:
    """A birthday sweep of ten thousand contacts, three of whom have one."""
    found, read, scans = Counted(aws).sweep(3, MANY)
    assert (found, scans) == (3, 0)
    assert read <= 4
