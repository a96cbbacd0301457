"""How a store's marketing fares, and whether it is stopped, in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from milepost.base import instants
from milepost.base.refs import MessageRef
from milepost.published.marketing_stop import Breaker, Kind
from milepost.sending.reputation import Repute, Tally
from milepost.simulator.memory.published import Shelf
from milepost.simulator.memory.state import State


@dataclass(frozen=True, slots=True)
class MemoryTallies:
    """Implements `Tallies`."""

    state: State
    counts: dict[tuple[str, str, datetime], Tally] = field(default_factory=dict)

    def sent(self, store: str, count: str, hour: datetime, number: int) -> None:
        with self.state.lock:
            tally = self.counts.get((store, count, hour), Tally(hour))
            self.counts[store, count, hour] = tally._replace(sent=tally.sent + number)

    def suffered(self, ref: MessageRef, kind: Kind, count: str, hour: datetime) -> None:
        with self.state.lock:
            message = self.state.messages.get(ref)
            if message is None or f"counted_{kind}" in message:
                return
            message[f"counted_{kind}"] = count
            tally = self.counts.get((ref.store, count, hour), Tally(hour))
            more = tally._replace(**{kind: getattr(tally, kind) + 1})
            self.counts[ref.store, count, hour] = more

    def since(self, store: str, count: str, hour: datetime) -> Iterator[Tally]:
        for (own, counted, of), tally in sorted(self.counts.items()):
            if (own, counted) == (store, count) and of >= hour:
                yield tally


@dataclass(frozen=True, slots=True)
class MemoryBreakers:
    """Implements `Breakers` and `Closer`. `closed` says who resumed marketing when, and why."""

    shelf: Shelf
    closed: list[tuple[str, Breaker, datetime, str, str]] = field(default_factory=list)

    def repute(self, store: str) -> Repute:
        head = self.shelf.head(store)
        return Repute(head.breaker, head.resumed)

    def open(self, store: str, count: str, breaker: Breaker) -> Breaker | None:
        with self.shelf.lock:
            head = self.shelf.head(store)
            if head.breaker is not None or head.resumed != count:
                return head.breaker
            self.shelf.heads[store] = head._replace(breaker=breaker)
        return breaker

    def told(self, store: str, breaker: Breaker) -> None:
        with self.shelf.lock:
            head = self.shelf.head(store)
            if head.breaker == breaker:
                self.shelf.heads[store] = head._replace(breaker=breaker._replace(told=True))

    def close(self, store: str, breaker: Breaker, at: datetime, by: str, why: str) -> bool:
        with self.shelf.lock:
            head = self.shelf.head(store)
            if head.breaker != breaker:
                return False
            resumed = instants.show(at)
            self.shelf.heads[store] = head._replace(breaker=None, resumed=resumed)
            self.closed.append((store, breaker, at, by, why))
        return True
