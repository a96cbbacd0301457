"""Runs the scheduled functions once a virtual minute. EventBridge Scheduler knows only real
ones."""

import threading
from collections.abc import Callable

from local.clock import VirtualClock

MINUTE = 60.0
SHORTEST_PAUSE = 5.0


def pause_for(clock: VirtualClock) -> float:
    """Real seconds between ticks: a virtual minute, but with a minimum, so that ticks do not
    overload the machine."""
    return max(SHORTEST_PAUSE, MINUTE / clock.speed)


class MinuteTimer:
    """Calls `tick` repeatedly from another thread until it is stopped."""

    def __init__(self, tick: Callable[[], None], pause: float) -> None:
        self._tick, self._pause = tick, pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            self._tick()
