"""Segments over many contacts in one process. It reads nothing, so this is CPU time only."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from time import process_time
from typing import TYPE_CHECKING, Any

from milepost.contacts.event import Event
from milepost.contacts.profile import EventTotal, Profile
from milepost.published.head import PublishedState
from milepost.segments.evaluator import SegmentEvaluator
from milepost.segments.membership import new_segment, reevaluation_event
from milepost.segments.segment import Segments
from milepost.simulator.memory.members import MemoryMembers
from milepost.simulator.memory.published import MemoryPublished, MemoryStore
from milepost.simulator.memory.state import ContactsTable
from milepost.simulator.memory.timeline import MemoryTimeline
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.conditions.context import Condition


STORE = "bench"
CONTACTS = 100_000
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONDITIONS: dict[str, dict[str, Any]] = {
    "buyers": {"did": "Order Completed", "times": {"gte": 2}, "within": "30 days"},
    "lapsed": {
        "all": [{"did": "Order Completed"}, {"did_not": "Order Completed", "within": "90 days"}]
    },
    "french": {"contact": "properties.country", "in": ["FR", "BE"]},
    "birthday": {"contact": "properties.birthday", "anniversary_within": "7 days"},
    "big": {"sum_of": "Order Completed", "of": "total", "within": "365 days", "gte": 500},
    "french-buyers": {"all": [{"in_segment": "french"}, {"in_segment": "buyers"}]},
}
"""Six conditions: two count in windows, one sums, two compare fields, one depends on other
segments."""


def measure_segments(number: int = CONTACTS) -> dict[str, Any]:
    """Contacts per CPU second, with all six segments evaluated and the next change computed."""
    profiles, state = _people(number)
    segmenter, head = _wired(state)
    event = reevaluation_event(STORE, NOW)
    began = process_time()
    inside = 0
    for profile in profiles:
        after = segmenter.evaluate_for_backfill(profile, CONDITIONS, event, head, NOW)
        inside += len(after.segment_state.segments)
    took = process_time() - began
    return {
        "contacts": number,
        "segments": len(CONDITIONS),
        "memberships": inside,
        "cpu_s": round(took, 2),
        "contacts_per_cpu_s": round(number / took),
    }


def _wired(state: ContactsTable) -> tuple[SegmentEvaluator, PublishedState]:
    segments = Segments({n: new_segment(n, each, False, 1) for n, each in CONDITIONS.items()})
    head = PublishedState(StoreSettings(), {}, {}, segments=segments)
    held: dict[tuple[str, str, int], Condition] = {
        (STORE, name, 1): each for name, each in CONDITIONS.items()
    }
    registry = MemoryPublished(MemoryStore(heads={STORE: head}, segments=held))
    return SegmentEvaluator(MemoryTimeline(state), registry, MemoryMembers(state)), head


def _people(number: int) -> tuple[list[Profile], ContactsTable]:
    """Contacts with up to four orders in the last year; the same ones every time."""
    chance, state = Random(1), ContactsTable()
    return [_person(n, chance, state) for n in range(number)], state


def _person(number: int, chance: Random, state: ContactsTable) -> Profile:
    contact = f"c{number:025x}"
    orders = [
        Event(
            STORE,
            f"o-{n}",
            "Order Completed",
            NOW - timedelta(hours=chance.randrange(8760)),
            "api",
            {},
            {"total": chance.randrange(400)},
        )
        for n in range(chance.randrange(5))
    ]
    state.events[STORE, contact] = {(o.name, o.occurred_at, o.id): o for o in orders}
    at = "2026-01-01T00:00:00.000Z"
    born = f"19{chance.randrange(50, 99)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    times = [order.occurred_at for order in orders]
    return Profile(
        STORE,
        contact,
        fields={
            "properties.country": (chance.choice(["FR", "BE", "DE", "US"]), at, "e"),
            "properties.birthday": (born, at, "e"),
        },
        totals={
            "Product Viewed": EventTotal(9, NOW, NOW),
            **(
                {"Order Completed": EventTotal(len(times), min(times), max(times), Decimal(1))}
                if times
                else {}
            ),
        },
        last_sequence=1,
    )
