"""The minute timer: a fast clock ticks faster, with a limit, and stops when told."""

import threading

from local.clock import parse_clock
from local.stack.minute_timer import MinuteTimer, pause_for


def test_fast_clock_shortens_virtual_minute() -> None:
    assert pause_for(parse_clock("")) == 60
    assert pause_for(parse_clock("2026-11-22T09:00:00Z@10")) == 6
    assert pause_for(parse_clock("2026-11-22T09:00:00Z@86400")) == 5


def test_timer_ticks_until_stopped() -> None:
    ticks = threading.Semaphore(0)
    ticker = MinuteTimer(ticks.release, 0.01)
    for _ in range(3):
        assert ticks.acquire(timeout=5)
    ticker.stop()

    while ticks.acquire(blocking=False):
        pass
    assert not ticks.acquire(timeout=0.1)
