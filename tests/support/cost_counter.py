"""Counts the reads and writes of a store in DynamoDB, for different amounts of data."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from milepost.aws.table import Table, pack
from milepost.contacts.dynamodb.contacts import DynamoContacts
from milepost.contacts.dynamodb.profile_item import DynamoMembers
from milepost.contacts.dynamodb.timeline import DynamoTimeline, event_item
from milepost.contacts.profile import NextCheck, Profile
from milepost.enrollments.condition_data import ContextLoader
from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments
from milepost.enrollments.program import Program
from milepost.published.dynamodb import DynamoPublished
from milepost.published.head import LiveWorkflow
from milepost.publishing.dynamodb import DynamoPublishedWriter
from milepost.runtime.dynamodb.timers import DynamoTimers
from milepost.runtime.merging.dynamodb import DynamoMerging
from milepost.runtime.react import EventApplier
from milepost.segments.evaluator import SegmentEvaluator
from milepost.segments.membership import new_segment
from milepost.sending.dynamodb.ledger import DynamoLedger
from milepost.simulator.interpreter import StateMachineInterpreter
from milepost.simulator.memory.state_machines import MemoryEngine
from milepost.simulator.virtual_clock import VirtualClock
from tests.support.builders import MONDAY_NOON, STORE, contact, event
from tests.support.ports import RETENTION, Cloud

DAY = timedelta(days=1)
BUYERS = {"did": "Order Completed", "times": {"gte": 2}, "within": "30 days"}

Costs = tuple[dict[str, int], int]
"""The number of calls to DynamoDB by name, and the number of items read."""


class Counted:
    """A store in DynamoDB whose reads and writes are counted."""

    def __init__(self, aws: Cloud) -> None:
        self.calls: Counter[str] = Counter()
        self.read = 0
        self.client = aws.dynamodb
        self.contacts, self.workflows = aws.table("ContactsTable"), aws.table("WorkflowsTable")
        self.timeline = DynamoTimeline(self.contacts, RETENTION)
        registry = DynamoPublished(self.workflows, lambda: MONDAY_NOON)
        self.publications = DynamoPublishedWriter(self.workflows)
        members = DynamoMembers(self.contacts)
        clock = VirtualClock(MONDAY_NOON)
        engine = MemoryEngine(StateMachineInterpreter(clock, {}, {}, jitter=lambda: 1.0))
        facts = ContextLoader(self.timeline, DynamoLedger(self.contacts, lambda at: at))
        self.event_applier = EventApplier(
            DynamoContacts(self.contacts, RETENTION),
            DynamoEnrollments(self.contacts, RETENTION),
            registry,
            engine,
            facts,
            DynamoMerging(self.contacts, RETENTION),
            SegmentEvaluator(self.timeline, registry, members),
        )
        self.position = 0
        self.segment("buyers", BUYERS)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count the calls inside the block, starting from zero."""
        self.calls.clear()
        self.read = 0
        events = self.client.meta.events
        events.register("after-call.dynamodb", self.count)
        try:
            yield
        finally:
            events.unregister("after-call.dynamodb", self.count)

    def count(self, model: Any, parsed: Any, **_: Any) -> None:
        self.calls[model.name] += 1
        self.read += len(parsed.get("Items", ())) + ("Item" in parsed)

    def segment(self, name: str, condition: Any) -> None:
        self.publications.keep_segment(STORE, name, 1, condition)
        self.publications.show_segment(STORE, name, new_segment(name, condition, False, 1), 0)

    def happens(self, name: str, day: int = 0) -> None:
        told = event(name, {"total": 30}, at=MONDAY_NOON - day * DAY, id_=f"{name}-{day}")
        self.position += 1
        self.timeline.append(contact(), told)
        self.event_applier.apply(contact(), told, self.position, MONDAY_NOON)

    def costs(self) -> Costs:
        """The calls and items read for one more order of a known contact."""
        self.happens("Order Completed", 3)
        with self.counting():
            self.happens("Order Completed", 1)
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

    def with_contacts(self, number: int) -> "Counted":
        self.fill(
            {"pk": {"S": f"S#{STORE}#C#c{n:025x}"}, "sk": {"S": "PROFILE"}}
            | pack({"last_sequence": "1", "profile": "{}"})
            for n in range(number)
        )
        return self

    def with_past(self, number: int) -> "Counted":
        """Add so many events of the contact, forty days ago."""
        self.fill(
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
        return self

    def with_segments(self, number: int) -> "Counted":
        """Add so many segments about other events."""
        for n in range(number):
            self.segment(f"other-{n}", {"did": f"Event {n}", "within": "9 days"})
        return self

    def with_workflows(self, number: int) -> "Counted":
        """Add so many workflows with another trigger."""
        trigger = {"type": "event", "event": "Other"}
        for n in range(number):
            program = Program(f"w-{n}", 1, {"trigger": trigger}, {}, "end")
            self.publications.save_program(STORE, program, "x")
            self.publications.go_live(
                STORE, f"w-{n}", LiveWorkflow(1, "m", "live", trigger=trigger), 0
            )
        return self

    def sweep(self, birthdays: int, number: int) -> tuple[int, int, int]:
        """Run the scheduler with so many contacts, of whom some have their birthday: returns the
        number found, items read and scans."""
        contacts = DynamoContacts(self.contacts, RETENTION)
        for n in range(birthdays):
            due = MONDAY_NOON - timedelta(minutes=n)
            profile = Profile(STORE, f"c{n:025x}", last_sequence=1, next_check=NextCheck(due, due))
            assert contacts.apply(None, profile)
        self.fill(
            {"pk": {"S": f"S#{STORE}#C#c{n:025x}"}, "sk": {"S": "PROFILE"}}
            | pack(
                {
                    "timer_bucket": f"T#2027-0{1 + n % 9}-01T09#{n % 8}",
                    "timer_due": "2027-01-01T09:00:00.000Z",
                }
            )
            for n in range(birthdays, number)
        )
        timers = DynamoTimers(Table(self.client, self.contacts.name))
        timers.done_before(MONDAY_NOON)
        with self.counting():
            found = list(timers.due(MONDAY_NOON))
        return len(found), self.read, self.calls["Scan"]
