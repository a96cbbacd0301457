"""Resume: a person lets the marketing of a store go on that had been stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from milepost.published.marketing_stop import MarketingStop
from milepost.runtime.jobs import Job

if TYPE_CHECKING:
    from milepost.published.head import PublishedState
    from milepost.publishing.ports import PublishedWriter


class MarketingSwitch(Protocol):
    """Ends what a breaker stopped, and keeps who did."""

    def close(self, store: str, breaker: MarketingStop, at: datetime, by: str, why: str) -> bool:
        """False if it is not stopped by this any more."""


@dataclass(frozen=True, slots=True)
class Resumer:
    """Lets marketing go on."""

    publications: "PublishedWriter"
    closer: MarketingSwitch
    now: Callable[[], datetime]

    def stopped(self, store: str) -> MarketingStop | None:
        """Why the store's marketing is stopped; None if it is not. LookupError if there is no
        such store."""
        return self._head(store).breaker

    def resume(self, store: str, by: str, why: str) -> bool:
        """Let it go on, and have those mailed who waited, each only if that is still of use.

        What wakes them is set going first: a crash in between only has it look in vain.
        """
        head = self._head(store)
        breaker = head.breaker
        if breaker is None:
            return False
        now = self.now()
        for name in head.workflows:
            self.publications.enqueue(Job("thaw", store, name, now))
        return self.closer.close(store, breaker, now, by, why)

    def _head(self, store: str) -> "PublishedState":
        head = self.publications.head(store)
        if not head.settings.name:
            raise LookupError(f"there is no store {store!r}")
        return head
