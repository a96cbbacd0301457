"""Problems of a file: location, reason and remedy."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem. `location` is a file and line or a path inside it; `remedy` may be empty."""

    location: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.reason}" + (f" ({self.remedy})" if self.remedy else "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Turn a misspelled word into a remedy: `did you mean "reminder"?`, or an empty text."""
    from difflib import get_close_matches  # only problems need it

    close = get_close_matches(word, sorted(known), n=1)
    return f'did you mean "{close[0]}"?' if close else ""
