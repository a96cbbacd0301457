"""A clock that jumps: what is due happens in order, and no time passes in between."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count


class Agenda:
    """Actions by the instant they are due; those of one instant happen in the order they came."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.after_each: Callable[[], None] = lambda: None
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, due: datetime, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (max(due, self.now), next(self._number), action))

    def after(self, delay: timedelta, action: Callable[[], None]) -> None:
        self.at(self.now + delay, action)

    def run_until(self, end: datetime) -> None:
        """Let everything happen that is due by then, what it leads to included."""
        while self._due and self._due[0][0] <= end:
            self.now, _, action = heapq.heappop(self._due)
            action()
            self.after_each()
        self.now = max(self.now, end)
