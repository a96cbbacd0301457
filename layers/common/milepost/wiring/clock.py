"""The clock of the shell: real UTC time, or a faster one for demonstrations and tests.

`MILEPOST_CLOCK="<start>@<speed>"` gives a clock that showed `start` when the real time was
`start`, and has run `speed` times faster since. Instants and durations that are handed to Step
Functions, which lives in real time, are converted back here and nowhere else.
"""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import NamedTuple

from milepost.base import instants


class Clock(NamedTuple):
    """Two times: `now` is the time of the business, `wire_now` that of sockets and signatures."""

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
        """Whole real seconds for a duration, at least one: Step Functions takes no fractions."""
        return max(1, round(duration.total_seconds() / self.speed))


def parse_clock(text: str) -> Clock:
    """Read `MILEPOST_CLOCK`; empty means the real clock. Raises ValueError with the remedy."""
    if not text:
        return Clock()
    start, _, speed = text.rpartition("@")
    try:
        clock = Clock(instants.parse_instant(start), float(speed))
    except ValueError:
        clock = Clock(speed=0)
    if not 0 < clock.speed < inf:
        raise ValueError(
            f"MILEPOST_CLOCK={text!r} is not <start>@<speed>, as in 2026-11-22T09:00:00Z@3600"
        )
    return clock
