"""How many examples of a law a run looks at.

`HYPOTHESIS_PROFILE` is "fast" (`make test-fast`), "repeat" (`make test`, and where none is named),
"deep" (`make test-deep`) or "search". A law names the number that shows what it says: "repeat"
looks at a part of them, "deep" at several times as many. All but "search" repeat themselves.
"""

import os

SHARES = {"fast": 0.05, "repeat": 0.25, "deep": 3.0, "search": 20.0}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "repeat")
FEWEST = 5
USUAL = 100
"""As many as Hypothesis takes itself."""


def how_many(number: int = USUAL, profile: str = PROFILE) -> int:
    """How many of `number` examples this run looks at."""
    return max(min(number, FEWEST), round(number * SHARES[profile]))
