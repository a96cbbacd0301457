"""Collect errors, so that one failing item does not block the others."""

from collections import Counter
from pathlib import Path
from traceback import extract_tb
from types import TracebackType

from milepost.base.errors import ThrottledError


class ErrorCollector:
    """`with errors:` suppresses an error of its block; `raise_if_any` reports all in the end."""

    def __init__(self) -> None:
        self._causes: Counter[str] = Counter()
        self._first: Exception | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False  # the process is ending
        self._causes[_cause(error)] += 1
        self._first = self._first or error  # only one: an error keeps its frames in memory
        return True

    def raise_if_any(self, what: str) -> None:
        """Raise ThrottledError if anything failed, with count, error types and locations.

        It leaves out the errors' own messages, because they may quote personal data.
        """
        if self._first is not None:
            causes = self._causes.most_common(3)
            summary = ", ".join(f"{name} ({number} times)" for name, number in causes)
            count = self._causes.total()
            raise ThrottledError(
                f"{what}: {count} could not be done, so the next minute tries again; {summary}"
            ) from self._first


def _cause(error: Exception) -> str:
    """The type and location of an error, or of its cause if it is a ThrottledError."""
    if isinstance(error, ThrottledError) and isinstance(error.__cause__, Exception):
        return _cause(error.__cause__)
    *_, frame = extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
