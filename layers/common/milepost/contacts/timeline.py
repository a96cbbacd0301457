"""Append: events go to the timelines of the contacts they happened to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from milepost.contacts.event import Event, claimable_identifiers

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline


Kept = Literal["accepted", "duplicate"]

WRITERS = 8
"""Threads that write one batch: they hide DynamoDB's latency and suit a small Lambda."""


def append(timeline: "Timeline", events: Sequence[Event]) -> list[Kept]:
    """Keep each event on its contact's timeline, one write per event; answers in order.

    All events belong to one store. Raises `Busy` if some could not be kept: the sender repeats
    the request, and what was kept the first time is then a duplicate.
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
    """Give an event that came without a time the moment it was first reported.

    A repeated report of it then has the same time, and so is the same event.
    """
    seen = timeline.first_seen(event.store, event.source, event.id, now)
    return replace(event, occurred_at=seen)
