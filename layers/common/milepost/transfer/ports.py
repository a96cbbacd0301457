"""The ports that imports and exports share. Throttling raises `ThrottledError`."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol


class FileVersion(NamedTuple):
    """One version of a file in the bucket. An upload to the same path is another version."""

    path: str
    version: str
    size: int


class FileGoneError(Exception):
    """The version of the file no longer exists."""


class Uploads(Protocol):
    """Files of a store, of any size. `read` returns the version that `find` found."""

    def find(self, store: str, path: str) -> FileVersion | None:
        """The current version of the file; None if there is none."""

    def read(self, store: str, upload: FileVersion, start: int = 0) -> Iterator[bytes]:
        """The bytes of that version from an offset on, in small pieces. Raises FileGoneError."""

    def settle(self, store: str, upload: FileVersion) -> None:
        """Mark the file as imported: the bucket's lifecycle removes it later."""


class ReportFiles(Protocol):
    """Texts that are overwritten: reports, and lists of row errors."""

    def read(self, store: str, path: str) -> str | None: ...

    def write(self, store: str, path: str, text: str) -> None: ...


class ContinuationQueue(Protocol):
    """Invokes the same function again."""

    def again(self, message: Mapping[str, Any], delay: int = 0) -> None:
        """Deliver the message after `delay` seconds (at most 900)."""
