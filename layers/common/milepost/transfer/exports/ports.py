from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from milepost.transfer.exports.progress import Export, Kind


class Page(NamedTuple):
    """A part of the tables: what it holds by kind, how much was read, and where the next begins."""

    lines: Sequence[tuple[Kind, Mapping[str, Any]]]
    read: int
    after: str


class StoreScan(Protocol):
    """All items of a store, in no particular order."""

    def page(self, store: str, after: str) -> Page:
        """The page after a place; "" is before the first, and after the last."""


class Exports(Protocol):
    """Keeps how far each export has come."""

    def begin(self, new: Export) -> Export:
        """Keep a new export; if there is one of its id, that one stays and is the answer."""

    def load(self, store: str, export_id: str) -> Export | None: ...

    def save(self, before: Export, after: Export) -> bool:
        """Write a step down; False if somebody else has written one since `before` was read."""


class ExportFiles(Protocol):
    """Where an export's files go."""

    def put(self, store: str, path: str, lines: Iterable[str]) -> None:
        """Write a file that is kept for a limited time; again is the same as once."""
