"""How a store's marketing fares, by the hour, and whether it is stopped; in the workflows table."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import Item, Refused, Table, pack
from milepost.base import instants
from milepost.base.refs import MessageRef
from milepost.published.marketing_stop import Breaker, Kind
from milepost.sending.reputation import KEPT, Repute, Tally

_KINDS: tuple[Kind, ...] = ("bounced", "complained")


@dataclass(frozen=True, slots=True)
class DynamoTallies:
    """Implements `Tallies`. `contacts` holds the messages, each marked when it is counted."""

    table: Table
    contacts: Table

    def sent(self, store: str, count: str, hour: datetime, number: int) -> None:
        self.table.update(keys.tally(store, count, hour), **_add("sent", hour, number))

    def suffered(self, ref: MessageRef, kind: Kind, count: str, hour: datetime) -> None:
        mark = self.contacts.change(
            "SET #counted = :count",
            "attribute_exists(pk) AND attribute_not_exists(#counted)",
            {"#counted": f"counted_{kind}"},
            {":count": count},
        )
        added = self.table.change(**_add(kind, hour, 1))
        with suppress(Refused):  # it is counted, or its contact was erased meanwhile
            self.table.insist(
                [
                    {"Update": {"Key": keys.message(ref), **mark}},
                    {"Update": {"Key": keys.tally(ref.store, count, hour), **added}},
                ]
            )

    def since(self, store: str, count: str, hour: datetime) -> Iterator[Tally]:
        first, last = keys.tally(store, count, hour), keys.tally(store, count, None)
        for item in self.table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ConsistentRead=True,
            values={":pk": first["pk"]["S"], ":first": first["sk"]["S"], ":last": last["sk"]["S"]},
        ):
            counts = {name: int(item.get(name, 0)) for name in ("sent", *_KINDS)}
            yield Tally(instants.parse(item["hour"]), **counts)


@dataclass(frozen=True, slots=True)
class DynamoBreakers:
    """Implements `Breakers`, remembering for `fresh_for` how stores stand, and `Closer`. It reads
    of what is live in a store only this: those who learn need no more."""

    table: Table
    now: Callable[[], datetime]
    fresh_for: timedelta = timedelta(0)
    _known: dict[str, tuple[datetime, Repute]] = field(default_factory=dict)

    def repute(self, store: str) -> Repute:
        known = self._known.get(store)
        if known is None or self.now() - known[0] >= self.fresh_for:
            item = self.table.get(_head(store)) or {}
            repute = Repute(_breaker(item.get("breaker")), item.get("resumed", ""))
            known = self._known[store] = self.now(), repute
        return known[1]

    def open(self, store: str, count: str, breaker: Breaker) -> Breaker | None:
        held = "resumed = :count" if count else "attribute_not_exists(resumed)"
        try:
            self.table.update(
                _head(store),
                expression="SET breaker = :breaker",
                condition=f"attribute_not_exists(breaker) AND {held}",
                values={":breaker": _text(breaker)} | ({":count": count} if count else {}),
            )
        except Refused as refused:
            return _breaker((refused.items[0] or {}).get("breaker"))
        return breaker

    def told(self, store: str, breaker: Breaker) -> None:
        with suppress(Refused):
            self.table.update(
                _head(store),
                expression="SET breaker = :told",
                condition="breaker = :breaker",
                values={":told": _text(breaker._replace(told=True)), ":breaker": _text(breaker)},
            )

    def close(self, store: str, breaker: Breaker, at: datetime, by: str, why: str) -> bool:
        closed = self.table.change(
            "SET resumed = :at REMOVE breaker",
            "breaker = :breaker",
            values={":at": instants.show(at), ":breaker": _text(breaker)},
        )
        record = keys.store_item(store, f"BREAKER#{instants.show(breaker.opened)}")
        said = {"breaker": _text(breaker), "resumed": instants.show(at), "by": by, "why": why}
        try:
            self.table.insist(
                [
                    {"Update": {"Key": _head(store), **closed}},
                    {"Put": {"TableName": self.table.name, "Item": record | pack(said)}},
                ]
            )
        except Refused:
            return False
        return True


def _head(store: str) -> Item:
    return keys.store_item(store, "HEAD")


def _breaker(text: str | None) -> Breaker | None:
    return None if text is None else Breaker.from_json(json.loads(text))


def _text(breaker: Breaker) -> str:
    return json.dumps(breaker.to_json())


def _add(name: str, hour: datetime, number: int) -> dict[str, Any]:
    return {
        "expression": "SET #hour = :hour, expires_at = :until ADD #name :number",
        "names": {"#hour": "hour", "#name": name},
        "values": {
            ":hour": instants.show(hour),
            ":until": int((hour + KEPT).timestamp()),
            ":number": number,
        },
    }
