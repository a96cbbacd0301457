"""Visitor limits, in memory."""

from dataclasses import dataclass

from milepost.pages.visitor_limits import VisitCounter
from milepost.simulator.memory.state import ContactsTable


@dataclass(frozen=True, slots=True)
class MemoryVisitorLimits:
    """Implements `VisitorLimits`."""

    state: ContactsTable

    def count(self, counter: VisitCounter, number: int = 1) -> int:
        key = (counter.store, counter.key)
        with self.state.lock:
            self.state.counts[key] = self.state.counts.get(key, 0) + number
            return self.state.counts[key]
