"""Timelines in DynamoDB: events in the contact's collection, one write each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.base import times
from milepost.contacts.event import (
    IDENTIFIER_PRIORITY,
    Event,
    IdentifierKind,
    contact_id,
    decode_body,
    encode_body,
)
from milepost.contacts.ports import ReplayedEvent

if TYPE_CHECKING:
    from milepost.conditions.context import EventWindow, PastEvent


DEDUPE_PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DynamoTimeline:
    """Implements `Timeline`. Events expire after `retention`."""

    table: Table
    retention: timedelta

    def resolve(self, store: str, wanted: Sequence[Mapping[IdentifierKind, str]]) -> list[str]:
        pairs = {
            (kind, identifiers[kind])
            for identifiers in wanted
            for kind in IDENTIFIER_PRIORITY
            if kind in identifiers
        }
        found = {
            item["pk"]: item["contact"]
            for item in self.table.get_many(
                [keys.identity(store, kind, value) for kind, value in sorted(pairs)]
            )
        }
        return [_owner(store, identifiers, found) for identifiers in wanted]

    def append(self, contact: str, event: Event) -> bool:
        return self.table.put_new(event_item(contact, event, self.retention))

    def first_seen(self, store: str, source: str, event_id: str, now: datetime) -> datetime:
        item = keys.dedupe(store, source, event_id) | pack(
            {
                "at": times.format_instant(now),
                "expires_at": int((now + DEDUPE_PERIOD).timestamp()),
            }
        )
        try:
            self.table.put(item, "attribute_not_exists(pk)")
        except ConditionFailedError as refused:
            (stored,) = refused.items
            return times.parse_instant(stored["at"]) if stored else now
        return times.parse_instant(times.format_instant(now))

    def find(
        self, store: str, contact: str, name: str, at: datetime, event_id: str
    ) -> Event | None:
        item = self.table.get(keys.event(store, contact, name, at, event_id))
        return event_from_item(store, item) if item else None

    def past_events(self, store: str, contact: str, window: "EventWindow") -> "list[PastEvent]":
        from milepost.conditions.context import PastEvent  # appending events does not need it

        since = times.format_instant(window.since) if window.since else ""
        items = self.table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ConsistentRead=True,
            values={
                ":pk": keys.collection(store, contact),
                ":first": f"EVENT#{window.name}#{since}",
                ":last": f"EVENT#{window.name}#~",
            },
        )
        happened = (
            PastEvent(times.parse_instant(i["at"]), decode_body(i["body"])[1]) for i in items
        )
        return [h for h in happened if window.since is None or h.at > window.since]


def event_item(contact: str, event: Event, retention: timedelta) -> dict[str, Any]:
    """The stored item: attributes for indexes and filters, and the JSON body."""
    return keys.event(event.store, contact, event.name, event.occurred_at, event.id) | pack(
        {
            "name": event.name,
            "at": times.format_instant(event.occurred_at),
            "id": event.id,
            "source": event.source,
            "body": encode_body(event),
            "expires_at": int((event.occurred_at + retention).timestamp()),
        }
    )


def replayed_event_from_item(item: Mapping[str, Any]) -> ReplayedEvent | None:
    """The request to apply an event again, if the item of the stream is one."""
    return (
        ReplayedEvent(item["replay_reason"], int(item.get("applied_sequence", 0)))
        if "replay_reason" in item
        else None
    )


def event_from_item(store: str, item: Mapping[str, Any]) -> Event:
    """Undo `event_item`."""
    identifiers, data, contact = decode_body(item["body"])
    return Event(
        store=store,
        id=item["id"],
        name=item["name"],
        occurred_at=times.parse_instant(item["at"]),
        source=item["source"],
        identifiers=identifiers,
        data=data,
        contact=contact,
    )


def _owner(store: str, identifiers: Mapping[IdentifierKind, str], found: Mapping[str, str]) -> str:
    kinds = [kind for kind in IDENTIFIER_PRIORITY if kind in identifiers]
    for kind in kinds:
        contact = found.get(f"S#{store}#I#{kind}#{identifiers[kind]}")
        if contact:
            return contact
    return contact_id(store, kinds[0], identifiers[kinds[0]])
