"""How many contacts a condition is true of, by a sample of them."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """How many of the contacts that were looked at belong to a segment, and how many there are."""

    matched: int
    looked: int
    total: int

    def words(self) -> str:
        """The same as a person would say it."""
        if not self.looked:
            return "there are no contacts yet"
        if self.looked >= self.total:
            return f"{self.matched:,} of {self.total:,} contacts belong to it"
        about = round(self.matched / self.looked * self.total)
        seen = f"{self.matched:,} of {self.looked:,} that were looked at"
        return f"about {about:,} of {self.total:,} contacts belong to it ({seen})"
