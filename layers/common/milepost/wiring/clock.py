"""The clock: real UTC time, or a faster one for demonstrations and tests.

`MILEPOST_CLOCK="<start>@<speed>"` gives a clock that showed `start` at the real time `start` and
has run `speed` times faster since. Step Functions uses real time, so instants and durations for it
are converted here, and only here.
"""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import NamedTuple

from milepost.base import times


class Clock(NamedTuple):
    """Two times: `now` is business time, `wire_now` is real time, for sockets and signatures."""

    start: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    speed: float = 1.0

    def now(self) -> datetime:
        return self.from_wire(self.wire_now())

    def wire_now(self) -> datetime:
        return datetime.now(UTC)

    def from_wire(self, real: datetime) -> datetime:
        return real if self.speed == 1.0 else self.start + (real - self.start) * self.speed

    def to_wire(self, instant: datetime) -> datetime:
        return instant if self.speed == 1.0 else self.start + (instant - self.start) / self.speed

    def wire_seconds(self, duration: timedelta) -> int:
        """The duration in whole real seconds, at least one: Step Functions accepts no fractions."""
        return max(1, round(duration.total_seconds() / self.speed))


def parse_clock(text: str) -> Clock:
    """Parse `MILEPOST_CLOCK`; empty means the real clock. Raises ValueError with the remedy."""
    if not text:
        return Clock()
    start, _, speed = text.rpartition("@")
    try:
        clock = Clock(times.parse_instant(start), float(speed))
    except ValueError:
        clock = Clock(speed=0)
    if not 0 < clock.speed < inf:
        raise ValueError(
            f"MILEPOST_CLOCK={text!r} is not <start>@<speed>, as in 2026-11-22T09:00:00Z@3600"
        )
    return clock
