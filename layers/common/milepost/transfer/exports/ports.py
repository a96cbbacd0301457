from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from milepost.transfer.exports.progress import Export, Kind


class Page(NamedTuple):
    """A page of the tables: its lines by kind, the number of items read, and the next cursor."""

    lines: Sequence[tuple[Kind, Mapping[str, Any]]]
    read: int
    after: str


class StoreScan(Protocol):
    """All items of a store, in no particular order."""

    def page(self, store: str, after: str) -> Page:
        """The page after a cursor; "" begins at the first page, and follows the last."""


class Exports(Protocol):
    """Stores the progress of exports."""

    def begin(self, new: Export) -> Export:
        """Store a new export; return the existing one if the id exists."""

    def load(self, store: str, export_id: str, /) -> Export | None: ...

    def save(self, before: Export, after: Export) -> bool:
        """Save progress; False if it was changed since `before` was read."""


class ExportFiles(Protocol):
    """Stores the files of exports."""

    def put(self, store: str, path: str, lines: Iterable[str]) -> None:
        """Write a file that is kept for a limited time. Idempotent."""
