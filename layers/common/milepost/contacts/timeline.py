"""Append events to the timelines of their contacts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from milepost.contacts.event import Event, claimable_identifiers

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline


Kept = Literal["accepted", "duplicate"]

WRITERS = 8
"""Threads that write one batch; they hide DynamoDB's latency and fit a small Lambda."""


def append(timeline: "Timeline", events: Sequence[Event]) -> list[Kept]:
    """Store each event of one store on its contact's timeline, one write per event.

    Returns results in order. Raises `ThrottledError` if some could not be stored: the sender
    repeats the request, and the stored ones are then duplicates.
    """
    if not events:
        return []
    contacts = timeline.resolve(events[0].store, [claimable_identifiers(event) for event in events])
    pairs = list(zip(contacts, events, strict=True))
    if len(pairs) == 1:
        return [_keep(timeline, *pairs[0])]
    from concurrent.futures import ThreadPoolExecutor  # a single event needs no threads

    with ThreadPoolExecutor(WRITERS) as writers:
        return list(writers.map(lambda pair: _keep(timeline, *pair), pairs))


def _keep(timeline: "Timeline", contact: str, event: Event) -> Kept:
    return "accepted" if timeline.append(contact, event) else "duplicate"


def date_event(timeline: "Timeline", event: Event, now: datetime) -> Event:
    """Give an event without a time the time of its first report.

    A repeated report then has the same time, and so is the same event.
    """
    seen = timeline.first_seen(event.store, event.source, event.id, now)
    return replace(event, occurred_at=seen)
