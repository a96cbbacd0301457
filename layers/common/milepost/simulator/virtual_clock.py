"""A virtual clock that runs due actions in order and jumps over the time in between."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

Action = Callable[[], object]


class EndlessError(Exception):
    """More actions than the clock allows, for example because of an endless loop."""


class VirtualClock:
    """Runs actions at their instants; actions of the same instant run in the order of scheduling.

    `after_each` is called after every action and can schedule what follows from it. `actions`
    counts the actions so far; `max_actions` is the limit, or None.
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
        """Whether an action is due after an instant."""
        return any(due > instant for due, _, _ in self._due)

    def run_until(self, end: datetime) -> None:
        """Run all actions that are due by then, including those that they schedule.

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
        """Run until no action is left."""
        while self._due:
            self.run_until(self._due[0][0])
