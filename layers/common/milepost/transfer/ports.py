"""What importing and exporting need from the world.

Whatever the world cannot answer momentarily is `errors.Busy`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol


class FileVersion(NamedTuple):
    """One version of a file in the bucket: what is uploaded over it meanwhile is another."""

    path: str
    version: str
    size: int


class FileGoneError(Exception):
    """The version of a file that was being read is no longer there."""


class Uploads(Protocol):
    """Files of a store of any size. A version, once found, is what is read from then on."""

    def find(self, store: str, path: str) -> FileVersion | None:
        """The file as it is now; None if there is none."""

    def read(self, store: str, upload: FileVersion, start: int = 0) -> Iterator[bytes]:
        """The bytes of that version from an offset on, in small pieces. Raises FileGoneError."""

    def settle(self, store: str, upload: FileVersion) -> None:
        """The file has served: mark it as one that is kept for a limited time."""


class ReportFiles(Protocol):
    """Texts that are written over and over: reports, and lists of mistakes."""

    def read(self, store: str, path: str) -> str | None: ...

    def write(self, store: str, path: str, text: str) -> None: ...


class ContinuationQueue(Protocol):
    """Has the same function called again, in a process of its own."""

    def again(self, message: Mapping[str, Any], delay: int = 0) -> None:
        """Hand the message over once `delay` seconds have passed (900 at most)."""
