"""The rows of tokens, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from milepost.sending.rate_limit import Allowance, NoToken, Row, Wish, take


@dataclass(slots=True)
class MemoryTokens:
    """Implements `Tokens`."""

    rows: dict[int, Row] = field(default_factory=dict)
    said: Allowance | None = None
    asked: int | None = None
    lock: Lock = field(default_factory=Lock)

    def take(self, wish: Wish) -> int | NoToken:
        with self.lock:
            taken = take(self.rows.get(wish.row, Row()), wish)
            if isinstance(taken, NoToken):
                return taken
            self.rows[wish.row], place = taken
            return place

    def allowance(self) -> Allowance | None:
        return self.said

    def may_ask(self, now: int, again_after: int) -> bool:
        with self.lock:
            if self.asked is not None and self.asked > again_after:
                return False
            self.asked = now
            return True

    def taken(self) -> Sequence[int]:
        with self.lock:
            most = max(self.rows, default=-1)
            return [self.rows.get(row, Row()).taken for row in range(most + 1)]

    def note(self, allowance: Allowance) -> None:
        self.said = allowance
