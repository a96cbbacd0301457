"""Records that cannot be applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from milepost.domain.letters import Letter


class Letters(Protocol):
    """Keeps account of records that cannot be applied."""

    def failed(self, letter: Letter, image: Any, now: datetime) -> int:
        """Note that a record failed once more; how often it has. `image` is all of the record."""

    def put_aside(self, letter: Letter) -> None:
        """Put a record where somebody will look for it: nobody tries it any more."""
