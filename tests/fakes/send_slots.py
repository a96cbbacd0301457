"""Send slots, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from milepost.sending.rate_limit import NoSlot, RateShard, SesLimits, SlotRequest, reserve_slot


@dataclass(slots=True)
class MemorySendSlots:
    """Implements `SendSlots`."""

    rows: dict[int, RateShard] = field(default_factory=dict)
    said: SesLimits | None = None
    asked: int | None = None
    lock: Lock = field(default_factory=Lock)

    def take(self, wish: SlotRequest) -> int | NoSlot:
        with self.lock:
            taken = reserve_slot(self.rows.get(wish.row, RateShard()), wish)
            if isinstance(taken, NoSlot):
                return taken
            self.rows[wish.row], place = taken
            return place

    def allowance(self) -> SesLimits | None:
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
            return [self.rows.get(row, RateShard()).taken for row in range(most + 1)]

    def note(self, allowance: SesLimits) -> None:
        self.said = allowance
