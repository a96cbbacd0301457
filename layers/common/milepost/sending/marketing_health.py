"""Reputation: what becomes of a store's marketing is counted, and too much of the wrong stops it.

Mails and what is reported of them are counted in the hour in which the mail was sent, so a share
is always one of the same mails. Whoever resumes marketing begins a new count.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from milepost.base import instants
from milepost.base.refs import MessageRef
from milepost.published.marketing_stop import Kind, MarketingStop
from milepost.sending.reputation import (
    HourlyCount,
    ReputationState,
    decide_stop,
    hour_of,
    window_start,
)

if TYPE_CHECKING:
    from milepost.outbound.ports import Alerts


class ReputationCounts(Protocol):
    """Counts by store and hour. A `count` is named after the instant from which it counts."""

    def sent(self, store: str, count: str, hour: datetime, number: int) -> None: ...

    def suffered(self, ref: MessageRef, kind: Kind, count: str, hour: datetime) -> None:
        """Count what became of a message: once, however often that is reported."""

    def since(self, store: str, count: str, hour: datetime) -> Iterable[HourlyCount]: ...


class MarketingStops(Protocol):
    """Stops the marketing of stores."""

    def state(self, store: str) -> ReputationState:
        """How a store stands, or did shortly ago."""

    def open(self, store: str, count: str, breaker: MarketingStop) -> MarketingStop | None:
        """Stop it; how it is stopped now, or None if a person has resumed it since that count."""

    def mark_alerted(self, store: str, breaker: MarketingStop) -> None:
        """Note that the shop's people know."""


@dataclass(frozen=True, slots=True)
class MarketingHealth:
    """Counts, and stops marketing. Mails that were sent are written down by `flush`, in one write
    for many of them. `alerts` may be None: then nobody can be told."""

    tallies: ReputationCounts
    breakers: MarketingStops
    alerts: "Callable[[], Alerts] | None"
    now: Callable[[], datetime]
    _sent: Counter[tuple[str, str, datetime]] = field(default_factory=Counter)

    def sent(self, ref: MessageRef, facts: Mapping[str, Any]) -> None:
        """A message has been sent, and that was not known before."""
        if counted := _counted(facts, self.breakers.state(ref.store)):
            self._sent[ref.store, *counted] += 1

    def flush(self) -> None:
        """Write down what was sent. If that fails it is lost: too few mails make it too strict."""
        for (store, count, hour), number in [*self._sent.items()]:
            del self._sent[store, count, hour]
            self.tallies.sent(store, count, hour, number)

    def record_negative(
        self, ref: MessageRef, kind: Kind, facts: Mapping[str, Any]
    ) -> MarketingStop | None:
        """A message bounced for good, or was called spam; the breaker if marketing is stopped now
        because of that. Repeating it is harmless, and makes good what was cut off."""
        repute = self.breakers.state(ref.store)
        counted = _counted(facts, repute)
        if counted is None:
            return None
        count, hour = counted
        self.flush()
        self.tallies.suffered(ref, kind, count, hour)
        breaker = repute.breaker
        if breaker is None:
            now = self.now()
            found = decide_stop(self.tallies.since(ref.store, count, window_start(now)), now)
            breaker = self.breakers.open(ref.store, count, found) if found else None
        if breaker is None or breaker.told:
            return None
        if self.alerts is not None:
            self.alerts().send_alert(
                f"{ref.store}: marketing is stopped", _text(ref.store, breaker), ref.store
            )
        self.breakers.mark_alerted(ref.store, breaker)
        return breaker


def _counted(facts: Mapping[str, Any], repute: ReputationState) -> tuple[str, datetime] | None:
    """The count and the hour that a message belongs to; None if none of it counts."""
    decided = facts.get("decided_at", "")
    if facts.get("category") != "marketing" or decided < repute.resumed:
        return None
    return repute.resumed, hour_of(instants.parse_instant(decided))


def _text(store: str, breaker: MarketingStop) -> str:
    return (
        f"Marketing of the store {store} is stopped since "
        f"{instants.format_instant(breaker.opened)}: "
        f"{breaker.reason()}. Amazon stops all mail of an account, receipts too, when it goes on "
        "like that.\n\nTransactional mail goes on. Marketing mail waits; what expires meanwhile is "
        "left out.\n\nFind out whom these mails went to - an old list, addresses that never "
        "confirmed - and take them out. Then let it go on:\n\n"
        f'    milepost resume {store} --why "what was wrong, and is mended"\n'
    )
