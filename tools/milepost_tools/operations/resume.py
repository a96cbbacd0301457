"""Resume: a person ends the marketing stop of a store."""

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
    """Ends a marketing stop and stores who ended it."""

    def close(self, store: str, breaker: MarketingStop, at: datetime, by: str, why: str) -> bool:
        """Return False if this stop has already ended."""


@dataclass(frozen=True, slots=True)
class Resumer:
    """Ends marketing stops."""

    publications: "PublishedWriter"
    closer: MarketingSwitch
    now: Callable[[], datetime]

    def stopped(self, store: str) -> MarketingStop | None:
        """Why the store's marketing is stopped, or None. Raises LookupError for an unknown
        store."""
        return self._head(store).breaker

    def resume(self, store: str, by: str, why: str) -> bool:
        """Resume marketing and send the waiting e-mails that have not expired.

        The job that resumes them is queued first: after a crash in between, the job finds nothing
        to do.
        """
        head = self._head(store)
        breaker = head.breaker
        if breaker is None:
            return False
        now = self.now()
        for name in head.workflows:
            self.publications.enqueue(Job("resume", store, name, now))
        return self.closer.close(store, breaker, now, by, why)

    def _head(self, store: str) -> "PublishedState":
        head = self.publications.head(store)
        if not head.settings.name:
            raise LookupError(f"there is no store {store!r}")
        return head
