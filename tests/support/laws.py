"""How many examples a property test runs.

`HYPOTHESIS_PROFILE` is "fast" (`make test-fast`), "repeat" (`make test`, and the default), "deep"
(`make test-deep`) or "search". A test names the number that is convincing: "repeat" runs a part of
them, "deep" several times as many. All profiles except "search" are deterministic.
"""

import os

SHARES = {"fast": 0.05, "repeat": 0.25, "deep": 3.0, "search": 20.0}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "repeat")
FEWEST = 5
USUAL = 100
"""Hypothesis' own default."""


def how_many(number: int = USUAL, profile: str = PROFILE) -> int:
    """How many of `number` examples this run uses."""
    return max(min(number, FEWEST), round(number * SHARES[profile]))
