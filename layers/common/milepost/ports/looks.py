"""How far the looks at all contacts are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class Part(NamedTuple):
    """A part of a look at all contacts: where it is (empty when it is `done`), and what it did."""

    place: str = ""
    looked: int = 0
    changed: int = 0
    done: bool = False


class Looked(NamedTuple):
    """The last look at all contacts because of one thing."""

    run: str
    at: str
    parts: Mapping[str, Part] = {}
    of: int = 0


class Progress(Protocol):
    """Notes how far the looks at all contacts are."""

    def begin(self, store: str, run: str, what: Sequence[str], of: int, at: datetime) -> None:
        """Note that a look in so many parts has begun, because of these things."""

    def part(self, store: str, run: str, part: str) -> Part: ...

    def note(self, store: str, run: str, part: str, progress: Part) -> None: ...

    def looked(self, store: str, what: str) -> Looked | None:
        """The last look because of a thing; None if there was none."""


class LookStarter(Protocol):
    """Has all contacts looked at."""

    def look(self, run: str, order: Mapping[str, Any]) -> None:
        """Set a look going; harmless if it is or was."""
