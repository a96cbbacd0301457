"""What one event costs does not depend on how much there is: the calls of DynamoDB are counted."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from milepost.adapters.dynamodb.contacts import DynamoContacts
from milepost.adapters.dynamodb.enrollments import DynamoEnrollments
from milepost.adapters.dynamodb.ledger import DynamoLedger
from milepost.adapters.dynamodb.members import DynamoMembers
from milepost.adapters.dynamodb.merging import DynamoMerging
from milepost.adapters.dynamodb.publications import DynamoPublications
from milepost.adapters.dynamodb.registry import DynamoRegistry
from milepost.adapters.dynamodb.table import Table, pack
from milepost.adapters.dynamodb.timeline import DynamoTimeline, event_item
from milepost.adapters.dynamodb.timers import DynamoTimers
from milepost.adapters.memory.machines import MemoryEngine
from milepost.domain.belonging import made
from milepost.domain.contacts import Lookout, Profile
from milepost.domain.program import Program
from milepost.ports.published import Live
from milepost.services.facts import FactFinder
from milepost.services.react import Reactor
from milepost.services.segments import Segmenter
from tests.support.agenda import Agenda
from tests.support.asl import StepFunctions
from tests.support.builders import MONDAY_NOON, STORE, contact, event
from tests.support.ports import RETENTION, Cloud, cloud

DAY = timedelta(days=1)
BUYERS = {"did": "Order Completed", "times": {"gte": 2}, "within": "30 days"}
FEW, MANY = 10, 10_000


pytestmark = pytest.mark.no_cover


class Counted:
    """A store in DynamoDB, in which what is read and written is counted."""

    def __init__(self, aws: Cloud) -> None:
        self.calls: Counter[str] = Counter()
        self.read = 0
        self.client = aws.dynamodb
        self.contacts, self.workflows = aws.table("ContactsTable"), aws.table("WorkflowsTable")
        self.timeline = DynamoTimeline(self.contacts, RETENTION)
        registry = DynamoRegistry(self.workflows, lambda: MONDAY_NOON)
        self.publications = DynamoPublications(self.workflows)
        members = DynamoMembers(self.contacts)
        facts = FactFinder(self.timeline, DynamoLedger(self.contacts, lambda at: at))
        self.reactor = Reactor(
            DynamoContacts(self.contacts, RETENTION),
            DynamoEnrollments(self.contacts, RETENTION),
            registry,
            MemoryEngine(StepFunctions(Agenda(MONDAY_NOON), {}, {}, lambda _: None)),
            facts,
            DynamoMerging(self.contacts, RETENTION),
            Segmenter(self.timeline, registry, members),
        )
        self.position = 0
        self.segment("buyers", BUYERS)

    def count(self, model: Any, parsed: Any, **_: Any) -> None:
        self.calls[model.name] += 1
        self.read += len(parsed.get("Items", ())) + ("Item" in parsed)

    def segment(self, name: str, condition: Any) -> None:
        self.publications.keep_segment(STORE, name, 1, condition)
        self.publications.show_segment(STORE, name, made(name, condition, False, 1), 0)

    def happens(self, name: str, day: int = 0) -> None:
        told = event(name, {"total": 30}, at=MONDAY_NOON - day * DAY, id_=f"{name}-{day}")
        self.position += 1
        self.timeline.append(contact(), told)
        self.reactor.react(contact(), told, self.position, MONDAY_NOON)

    def costs(self) -> tuple[dict[str, int], int]:
        """The calls and the items read of one more order, by a contact that is known."""
        self.happens("Order Completed", 3)
        self.calls.clear()
        self.read = 0
        events = self.client.meta.events
        events.register("after-call.dynamodb", self.count)
        try:
            self.happens("Order Completed", 1)
        finally:
            events.unregister("after-call.dynamodb", self.count)
        return dict(self.calls), self.read

    def fill(self, items: Iterator[dict[str, Any]]) -> None:
        batch: list[Any] = []
        for item in items:
            batch.append({"PutRequest": {"Item": item}})
            if len(batch) == 25:
                self.client.batch_write_item(RequestItems={self.contacts.name: batch})
                batch = []
        if batch:
            self.client.batch_write_item(RequestItems={self.contacts.name: batch})


@pytest.fixture(scope="module")
def aws() -> Iterator[Cloud]:
    with cloud() as made_up:
        yield made_up


@pytest.fixture(scope="module")
def alone(aws: Cloud) -> tuple[dict[str, int], int]:
    return Counted(aws).costs()


def test_an_order_that_moves_a_contact_costs_so_much(alone: tuple[dict[str, int], int]) -> None:
    calls, read = alone
    # Written: the event, the address, the member, the news. Read: the profile, a window of orders.
    assert calls == {"PutItem": 4, "GetItem": 1, "Query": 1, "UpdateItem": 1}
    assert read <= 6


@pytest.mark.parametrize("number", [FEW, MANY])
def test_other_contacts_cost_nothing(
    aws: Cloud, alone: tuple[dict[str, int], int], number: int
) -> None:
    store = Counted(aws)
    store.fill(
        {"pk": {"S": f"S#{STORE}#C#c{n:025x}"}, "sk": {"S": "PROFILE"}}
        | pack({"applied": "1", "facts": "{}"})
        for n in range(number)
    )
    assert store.costs() == alone


@pytest.mark.parametrize("number", [FEW, MANY])
def test_the_past_of_the_contact_costs_nothing(
    aws: Cloud, alone: tuple[dict[str, int], int], number: int
) -> None:
    store = Counted(aws)
    store.fill(
        event_item(
            contact(),
            event(
                "Product Viewed" if n % 2 else "Order Completed",
                at=MONDAY_NOON - timedelta(days=40, minutes=n),
                id_=str(n),
            ),
            RETENTION,
        )
        for n in range(number)
    )
    assert store.costs() == alone


@pytest.mark.parametrize("number", [5, 100])
def test_segments_that_are_about_other_things_cost_nothing(
    aws: Cloud, alone: tuple[dict[str, int], int], number: int
) -> None:
    store = Counted(aws)
    for n in range(number):
        store.segment(f"other-{n}", {"did": f"Event {n}", "within": "9 days"})
    assert store.costs()[0] == alone[0]


@pytest.mark.parametrize("number", [FEW, 100])
def test_workflows_that_begin_otherwise_cost_nothing(
    aws: Cloud, alone: tuple[dict[str, int], int], number: int
) -> None:
    store = Counted(aws)
    trigger = {"type": "event", "event": "Other"}
    for n in range(number):
        program = Program(f"w-{n}", 1, {"trigger": trigger}, {}, "end")
        store.publications.keep_program(STORE, program, "x")
        store.publications.go_live(STORE, f"w-{n}", Live(1, "m", "live", trigger=trigger), 0)
    assert store.costs() == alone


def test_a_sweep_reads_only_the_timers_that_are_due(aws: Cloud) -> None:
    """A birthday sweep of ten thousand contacts, three of whom have one."""
    store = Counted(aws)
    contacts = DynamoContacts(store.contacts, RETENTION)
    for n in range(3):
        due = MONDAY_NOON - timedelta(minutes=n)
        profile = Profile(STORE, f"c{n:025x}", applied=1, lookout=Lookout(due, due))
        assert contacts.apply(None, profile)
    store.fill(
        {"pk": {"S": f"S#{STORE}#C#c{n:025x}"}, "sk": {"S": "PROFILE"}}
        | pack(
            {
                "timer_bucket": f"T#2027-0{1 + n % 9}-01T09#{n % 8}",
                "timer_due": "2027-01-01T09:00:00.000Z",
            }
        )
        for n in range(3, MANY)
    )
    timers = DynamoTimers(Table(store.client, store.contacts.name))
    timers.done_before(MONDAY_NOON)
    events = store.client.meta.events
    events.register("after-call.dynamodb", store.count)
    try:
        found = list(timers.due(MONDAY_NOON))
    finally:
        events.unregister("after-call.dynamodb", store.count)
    assert len(found) == 3
    assert store.read <= 4
    assert store.calls["Scan"] == 0
