"""Many things to do, of which one that cannot be done holds up no other."""

from collections import Counter
from pathlib import Path
from traceback import extract_tb
from types import TracebackType

from milepost.base.errors import ThrottledError


class ErrorCollector:
    """Things that are done one by one, whatever becomes of each.

    `with apart:` goes on after an error, as if what is inside had been done; `settle` tells of all
    errors in the end.
    """

    def __init__(self) -> None:
        self._causes: Counter[str] = Counter()
        self._first: Exception | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False  # a process that is being ended is
        self._causes[_cause(error)] += 1
        self._first = self._first or error  # no more: each keeps alive all that it came through
        return True

    def raise_if_any(self, what: str) -> None:
        """Raise ThrottledError if anything failed: how many of `what`, by what errors, and where.

        The errors' own words are left out, for they may quote what was being worked on.
        """
        if self._first is not None:
            causes = self._causes.most_common(3)
            told = ", ".join(f"{name} ({number} times)" for name, number in causes)
            count = self._causes.total()
            raise ThrottledError(
                f"{what}: {count} could not be done, so the next minute tries again; {told}"
            ) from self._first


def _cause(error: Exception) -> str:
    """What kind of error it was and where, or of what kinds it tells itself."""
    if isinstance(error, ThrottledError) and isinstance(error.__cause__, Exception):
        return _cause(error.__cause__)
    *_, place = extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
