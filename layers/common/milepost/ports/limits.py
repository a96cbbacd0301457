"""What may not happen too often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from milepost.domain.limits import Counter


class Limits(Protocol):
    """Counts what may not happen too often."""

    def count(self, counter: Counter, number: int = 1) -> int:
        """Count some more; how many there were in this window by now, these included."""
