"""A clock that jumps: what is due happens in order, and no time passes in between."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

Action = Callable[[], object]


class EndlessError(Exception):
    """More actions than the clock allows: something leads to itself."""


class VirtualClock:
    """Actions by the instant they are due; those of one instant happen in the order they came.

    `after_each` is called after every action, to set in motion what follows from it. `actions`
    counts those that have happened; `max_actions` is how many may, None if any number may.
    """

    def __init__(self, start: datetime, max_actions: int | None = None) -> None:
        self.now = start
        self.after_each: Action = lambda: None
        self.actions = 0
        self.max_actions = max_actions
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
        """Let everything happen that is due by then, what it leads to included.

        Raises EndlessError after `max_actions`.
        """
        while self._due and self._due[0][0] <= end:
            if self.max_actions is not None and self.actions >= self.max_actions:
                raise EndlessError("too much happens to be simulated: does a loop lack a wait?")
            self.actions += 1
            self.now, _, action = heapq.heappop(self._due)
            action()
            self.after_each()
        self.now = max(self.now, end)

    def run_out(self) -> None:
        """Let everything happen that will ever happen."""
        while self._due:
            self.run_until(self._due[0][0])
