"""How a store's marketing fares, by the hour, and whether it is stopped; in the workflows table."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Item, Table, pack
from milepost.base import instants
from milepost.base.refs import MessageRef
from milepost.published.marketing_stop import Kind, MarketingStop
from milepost.sending.reputation import RETENTION, HourlyCount, ReputationState

_KINDS: tuple[Kind, ...] = ("bounced", "complained")


@dataclass(frozen=True, slots=True)
class DynamoReputationCounts:
    """Implements `Tallies`. `contacts` holds the messages, each marked when it is counted."""

    table: Table
    contacts: Table

    def sent(self, store: str, count: str, hour: datetime, number: int) -> None:
        self.table.update(keys.reputation_hour(store, count, hour), **_add("sent", hour, number))

    def suffered(self, ref: MessageRef, kind: Kind, count: str, hour: datetime) -> None:
        mark = self.contacts.update_arguments(
            "SET #counted = :count",
            "attribute_exists(pk) AND attribute_not_exists(#counted)",
            {"#counted": f"counted_{kind}"},
            {":count": count},
        )
        added = self.table.update_arguments(**_add(kind, hour, 1))
        with suppress(ConditionFailedError):  # it is counted, or its contact was erased meanwhile
            self.table.transact_with_retry(
                [
                    {"Update": {"Key": keys.message(ref), **mark}},
                    {"Update": {"Key": keys.reputation_hour(ref.store, count, hour), **added}},
                ]
            )

    def since(self, store: str, count: str, hour: datetime) -> Iterator[HourlyCount]:
        first, last = (
            keys.reputation_hour(store, count, hour),
            keys.reputation_hour(store, count, None),
        )
        for item in self.table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ConsistentRead=True,
            values={":pk": first["pk"]["S"], ":first": first["sk"]["S"], ":last": last["sk"]["S"]},
        ):
            counts = {name: int(item.get(name, 0)) for name in ("sent", *_KINDS)}
            yield HourlyCount(instants.parse_instant(item["hour"]), **counts)


@dataclass(frozen=True, slots=True)
class DynamoMarketingStops:
    """Implements `Breakers`, remembering for `fresh_for` how stores stand, and `Closer`. It reads
    of what is live in a store only this: those who learn need no more."""

    table: Table
    now: Callable[[], datetime]
    fresh_for: timedelta = timedelta(0)
    _known: dict[str, tuple[datetime, ReputationState]] = field(default_factory=dict)

    def state(self, store: str) -> ReputationState:
        known = self._known.get(store)
        if known is None or self.now() - known[0] >= self.fresh_for:
            item = self.table.get(_head(store)) or {}
            repute = ReputationState(_breaker(item.get("breaker")), item.get("resumed", ""))
            known = self._known[store] = self.now(), repute
        return known[1]

    def open(self, store: str, count: str, breaker: MarketingStop) -> MarketingStop | None:
        held = "resumed = :count" if count else "attribute_not_exists(resumed)"
        try:
            self.table.update(
                _head(store),
                expression="SET breaker = :breaker",
                condition=f"attribute_not_exists(breaker) AND {held}",
                values={":breaker": _text(breaker)} | ({":count": count} if count else {}),
            )
        except ConditionFailedError as refused:
            return _breaker((refused.items[0] or {}).get("breaker"))
        return breaker

    def mark_alerted(self, store: str, breaker: MarketingStop) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                _head(store),
                expression="SET breaker = :told",
                condition="breaker = :breaker",
                values={":told": _text(breaker._replace(told=True)), ":breaker": _text(breaker)},
            )

    def close(self, store: str, breaker: MarketingStop, at: datetime, by: str, why: str) -> bool:
        closed = self.table.update_arguments(
            "SET resumed = :at REMOVE breaker",
            "breaker = :breaker",
            values={":at": instants.format_instant(at), ":breaker": _text(breaker)},
        )
        record = keys.store_item(store, f"BREAKER#{instants.format_instant(breaker.opened)}")
        said = {
            "breaker": _text(breaker),
            "resumed": instants.format_instant(at),
            "by": by,
            "why": why,
        }
        try:
            self.table.transact_with_retry(
                [
                    {"Update": {"Key": _head(store), **closed}},
                    {"Put": {"TableName": self.table.name, "Item": record | pack(said)}},
                ]
            )
        except ConditionFailedError:
            return False
        return True


def _head(store: str) -> Item:
    return keys.store_item(store, "HEAD")


def _breaker(text: str | None) -> MarketingStop | None:
    return None if text is None else MarketingStop.from_json(json.loads(text))


def _text(breaker: MarketingStop) -> str:
    return json.dumps(breaker.to_json())


def _add(name: str, hour: datetime, number: int) -> dict[str, Any]:
    return {
        "expression": "SET #hour = :hour, expires_at = :until ADD #name :number",
        "names": {"#hour": "hour", "#name": name},
        "values": {
            ":hour": instants.format_instant(hour),
            ":until": int((hour + RETENTION).timestamp()),
            ":number": number,
        },
    }
