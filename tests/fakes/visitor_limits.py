"""Counters of what may not happen too often."""

from dataclasses import dataclass

from milepost.pages.visitor_limits import Counter
from milepost.simulator.memory.state import State


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """Implements `Limits`."""

    state: State

    def count(self, counter: Counter, number: int = 1) -> int:
        key = (counter.store, counter.key)
        with self.state.lock:
            self.state.counts[key] = self.state.counts.get(key, 0) + number
            return self.state.counts[key]
