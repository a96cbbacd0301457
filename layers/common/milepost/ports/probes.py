"""What came back of the doctor's test mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class ProbeNotes(Protocol):
    """Notes that say which reports came, of mails that are about nobody; they expire."""

    def note(self, probe: str, kind: str, now: datetime) -> None: ...

    def heard(self, probe: str) -> Sequence[str]: ...
