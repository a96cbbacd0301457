"""What is wrong with a file that a person wrote: where, why, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `place` is a file and line or a path inside it; `remedy` may be empty."""

    location: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.reason}" + (f" ({self.remedy})" if self.remedy else "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Turn a misspelled word into a remedy: `did you mean "reminder"?`, or an empty text."""
    from difflib import get_close_matches  # only a mistake needs it

    close = get_close_matches(word, sorted(known), n=1)
    return f'did you mean "{close[0]}"?' if close else ""
