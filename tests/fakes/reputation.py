"""Reputation counts and marketing stops, in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from milepost.base import times
from milepost.base.names import MessageRef
from milepost.published.marketing_stop import Kind, MarketingStop
from milepost.sending.reputation import HourlyCount, ReputationState
from milepost.simulator.memory.published import MemoryStore
from milepost.simulator.memory.state import ContactsTable


@dataclass(frozen=True, slots=True)
class MemoryReputationCounts:
    """Implements `ReputationCounts`."""

    state: ContactsTable
    counts: dict[tuple[str, str, datetime], HourlyCount] = field(default_factory=dict)

    def sent(self, store: str, count: str, hour: datetime, number: int) -> None:
        with self.state.lock:
            tally = self.counts.get((store, count, hour), HourlyCount(hour))
            self.counts[store, count, hour] = tally._replace(sent=tally.sent + number)

    def suffered(self, ref: MessageRef, kind: Kind, count: str, hour: datetime) -> None:
        with self.state.lock:
            message = self.state.messages.get(ref)
            if message is None or f"counted_{kind}" in message:
                return
            message[f"counted_{kind}"] = count
            tally = self.counts.get((ref.store, count, hour), HourlyCount(hour))
            more = tally._replace(**{kind: getattr(tally, kind) + 1})
            self.counts[ref.store, count, hour] = more

    def since(self, store: str, count: str, hour: datetime) -> Iterator[HourlyCount]:
        for (own, counted, of), tally in sorted(self.counts.items()):
            if (own, counted) == (store, count) and of >= hour:
                yield tally


@dataclass(frozen=True, slots=True)
class MemoryMarketingStops:
    """Implements `MarketingStops` and `MarketingSwitch`. `closed` records who resumed marketing,
    when and why."""

    shelf: MemoryStore
    closed: list[tuple[str, MarketingStop, datetime, str, str]] = field(default_factory=list)

    def state(self, store: str) -> ReputationState:
        head = self.shelf.head(store)
        return ReputationState(head.breaker, head.resumed)

    def open(self, store: str, count: str, breaker: MarketingStop) -> MarketingStop | None:
        with self.shelf.lock:
            head = self.shelf.head(store)
            if head.breaker is not None or head.resumed != count:
                return head.breaker
            self.shelf.heads[store] = head._replace(breaker=breaker)
        return breaker

    def mark_alerted(self, store: str, breaker: MarketingStop) -> None:
        with self.shelf.lock:
            head = self.shelf.head(store)
            if head.breaker == breaker:
                self.shelf.heads[store] = head._replace(breaker=breaker._replace(alerted=True))

    def close(self, store: str, breaker: MarketingStop, at: datetime, by: str, why: str) -> bool:
        with self.shelf.lock:
            head = self.shelf.head(store)
            if head.breaker != breaker:
                return False
            resumed = times.format_instant(at)
            self.shelf.heads[store] = head._replace(breaker=None, resumed=resumed)
            self.closed.append((store, breaker, at, by, why))
        return True
