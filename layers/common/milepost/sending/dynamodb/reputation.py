"""A store's marketing counts by hour, and its marketing stop, in the workflows table."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Item, Table, pack
from milepost.base import times
from milepost.base.names import MessageRef
from milepost.published.marketing_stop import Kind, MarketingStop
from milepost.sending.reputation import RETENTION, HourlyCount, ReputationState

_KINDS: tuple[Kind, ...] = ("bounced", "complained")


@dataclass(frozen=True, slots=True)
class DynamoReputationCounts:
    """Implements `ReputationCounts`. `contacts` holds the messages; each is marked as counted."""

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
        with suppress(ConditionFailedError):  # already counted, or the contact has been erased
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
            yield HourlyCount(times.parse_instant(item["hour"]), **counts)


@dataclass(frozen=True, slots=True)
class DynamoMarketingStops:
    """Implements `MarketingStops`, and resumes marketing. Caches a store's state for `fresh_for`.

    It reads only these attributes of the head, because its callers need no others.
    """

    table: Table
    now: Callable[[], datetime]
    fresh_for: timedelta = timedelta(0)
    _known: dict[str, tuple[datetime, ReputationState]] = field(default_factory=dict)

    def state(self, store: str) -> ReputationState:
        known = self._known.get(store)
        if known is None or self.now() - known[0] >= self.fresh_for:
            item = self.table.get(_head(store)) or {}
            state = ReputationState(_stop(item.get("breaker")), item.get("resumed", ""))
            known = self._known[store] = self.now(), state
        return known[1]

    def open(self, store: str, count: str, stop: MarketingStop) -> MarketingStop | None:
        same_count = "resumed = :count" if count else "attribute_not_exists(resumed)"
        try:
            self.table.update(
                _head(store),
                expression="SET breaker = :breaker",
                condition=f"attribute_not_exists(breaker) AND {same_count}",
                values={":breaker": _json(stop)} | ({":count": count} if count else {}),
            )
        except ConditionFailedError as failed:
            return _stop((failed.items[0] or {}).get("breaker"))
        return stop

    def mark_alerted(self, store: str, stop: MarketingStop) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                _head(store),
                expression="SET breaker = :alerted",
                condition="breaker = :breaker",
                values={
                    ":alerted": _json(stop._replace(alerted=True)),
                    ":breaker": _json(stop),
                },
            )

    def close(self, store: str, stop: MarketingStop, at: datetime, by: str, why: str) -> bool:
        closed = self.table.update_arguments(
            "SET resumed = :at REMOVE breaker",
            "breaker = :breaker",
            values={":at": times.format_instant(at), ":breaker": _json(stop)},
        )
        record = keys.store_item(store, f"BREAKER#{times.format_instant(stop.opened)}")
        log_entry = {
            "breaker": _json(stop),
            "resumed": times.format_instant(at),
            "by": by,
            "reason": why,
        }
        try:
            self.table.transact_with_retry(
                [
                    {"Update": {"Key": _head(store), **closed}},
                    {"Put": {"TableName": self.table.name, "Item": record | pack(log_entry)}},
                ]
            )
        except ConditionFailedError:
            return False
        return True


def _head(store: str) -> Item:
    return keys.store_item(store, "HEAD")


def _stop(text: str | None) -> MarketingStop | None:
    return None if text is None else MarketingStop.from_json(json.loads(text))


def _json(stop: MarketingStop) -> str:
    return json.dumps(stop.to_json())


def _add(name: str, hour: datetime, number: int) -> dict[str, Any]:
    return {
        "expression": "SET #hour = :hour, expires_at = :until ADD #name :number",
        "names": {"#hour": "hour", "#name": name},
        "values": {
            ":hour": times.format_instant(hour),
            ":until": int((hour + RETENTION).timestamp()),
            ":number": number,
        },
    }
