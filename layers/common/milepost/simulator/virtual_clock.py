"""A clock that jumps: what is due happens in order, and no time passes in between."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

Action = Callable[[], object]


class EndlessError(Exception):
    """More happens than could ever be looked at: something leads to itself."""


class Agenda:
    """Actions by the instant they are due; those of one instant happen in the order they came.

    `after_each` is called after every action, to set in motion what follows from it. `left` is how
    many more may happen.
    """

    def __init__(self, start: datetime, most: int) -> None:
        self.now = start
        self.after_each: Action = lambda: None
        self.left = most
        self._due: list[tuple[datetime, int, Action]] = []
        self._number = count()

    def at(self, due: datetime, action: Action) -> None:
        heapq.heappush(self._due, (max(due, self.now), next(self._number), action))

    def after(self, delay: timedelta, action: Action) -> None:
        self.at(self.now + delay, action)

    def goes_beyond(self, instant: datetime) -> bool:
        """Whether something is due after an instant."""
        return any(due > instant for due, _, _ in self._due)

    def run_until(self, end: datetime) -> None:
        """Let everything happen that is due by then, what it leads to included."""
        while self._due and self._due[0][0] <= end:
            self.left -= 1
            if self.left < 0:
                raise EndlessError("too much happens to be simulated: does a loop lack a wait?")
            self.now, _, action = heapq.heappop(self._due)
            action()
            self.after_each()
        self.now = max(self.now, end)

    def run_out(self) -> None:
        """Let everything happen that will ever happen."""
        while self._due:
            self.run_until(self._due[0][0])
