"""Faults that a test orders: the next sends are lost, delayed or refused."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal, get_args

Fault = Literal[
    "timeout_before_accept",
    "timeout_after_accept",
    "unavailable_before_accept",
    "unavailable_after_accept",
    "throttle",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
MOST_ORDERED = 10_000


@dataclass(frozen=True, slots=True)
class Order:
    """An order for one send to fail."""

    fault: Fault

    @property
    def accepts(self) -> bool:
        """Whether SES accepts the mail anyway; the sender does not learn it."""
        return self.fault.endswith("_after_accept")


class Faults:
    """A queue of faults. Each send takes the next one."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._lock = threading.Lock()

    def order(self, fault: Fault, count: int = 1) -> None:
        with self._lock:
            if len(self._orders) + count > MOST_ORDERED:
                raise ValueError(f"at most {MOST_ORDERED} faults can wait")
            self._orders.extend([Order(fault)] * count)

    def take(self) -> Order | None:
        with self._lock:
            return self._orders.popleft() if self._orders else None

    def waiting(self) -> list[Fault]:
        with self._lock:
            return [order.fault for order in self._orders]

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()
