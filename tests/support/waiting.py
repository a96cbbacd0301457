"""Waits for a condition in another process."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Poll until the condition holds; fail with a message after the time-out."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}, in vain"
        time.sleep(0.2)
