"""Attachments in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

_BEGINS = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "ics": b"BEGIN:VCALENDAR"}


def placeholder_file(path: str) -> bytes:
    """The first bytes of a file of the type that its name has."""
    return _BEGINS.get(path.rpartition(".")[2].lower(), b"\xff\xd8\xff")


@dataclass(frozen=True, slots=True)
class MemoryAttachments:
    """Implements `Attachments`. `otherwise` makes the content of a missing file from its path."""

    held: dict[tuple[str, str], bytes] = field(default_factory=dict)
    otherwise: Callable[[str], bytes | None] = lambda _: None

    def read(self, store: str, path: str, most: int) -> bytes | None:
        content = self.held.get((store, path))
        content = self.otherwise(path) if content is None else content
        return content if content is None else content[:most]
