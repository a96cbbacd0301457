"""Wait for something to become true in another process."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Ask again and again; fail with a sentence when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}, in vain"
        time.sleep(0.2)
