"""Virtual time, by the same formula as the deployed code: start + (real - start) * speed.

The functions read `MILEPOST_CLOCK` through `milepost.wiring.clock`. The SES stand-in and the inbox
must not import the product, so the formula is repeated here, and a test compares the two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def virtual(real: datetime, start: datetime, speed: float) -> datetime:
    """The virtual instant for `real`, on a clock that showed `start` at the real time `start`."""
    return start + (real - start) * speed


def real_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class VirtualClock:
    """A clock that showed `start` at the real time `start` and has run `speed` times faster
    since."""

    start: datetime
    speed: float = 1.0

    def now(self, real: Callable[[], datetime] = real_now) -> datetime:
        return real() if self.speed == 1.0 else virtual(real(), self.start, self.speed)

    def setting(self) -> str:
        """The value of `MILEPOST_CLOCK` that gives the deployed functions this clock."""
        return f"{timestamp(self.start)}@{self.speed:g}"


def parse_clock(text: str) -> VirtualClock:
    """Parse `<start>@<speed>`; empty is real time. Raises ValueError with the remedy."""
    if not text:
        return VirtualClock(datetime(2000, 1, 1, tzinfo=UTC))
    remedy = f"the clock {text!r} is not <start>@<speed>, as in 2026-11-22T09:00:00Z@3600"
    start_text, _, speed_text = text.rpartition("@")
    try:
        start, speed = datetime.fromisoformat(start_text), float(speed_text)
    except ValueError:
        raise ValueError(remedy) from None
    if start.tzinfo is None or not 0 < speed < float("inf"):
        raise ValueError(remedy)
    return VirtualClock(start.astimezone(UTC), speed)


def timestamp(instant: datetime) -> str:
    """An instant in SES's format: `2026-11-22T09:30:00.000Z`."""
    utc = instant.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
