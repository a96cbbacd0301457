"""How often something may happen: counted per window, under keys that name nobody.

What may not happen too often.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple, Protocol

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SIGN_UPS_OF_AN_ADDRESS = 3
"""A day and a store: whoever is signed up by somebody else gets no more mails than that."""

VISITS_OF_AN_ADDRESS = 1200
"""Browsing events an hour of one internet address, behind which a whole office may sit."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VisitCounter(NamedTuple):
    """What is counted, until its window is over. A key says nothing to whoever has no secret."""

    store: str
    key: str
    until: datetime


def counter(
    store: str,
    kind: Literal["form-ip", "form-address", "browser-ip"],
    subject: str,
    window: timedelta,
    now: datetime,
    secret: str,
) -> VisitCounter:
    """The counter of a subject: an internet address or an e-mail address, as a keyed hash.

    There are few enough of the first kind to try them all, so a plain hash would hide nothing.
    """
    number = (now - _EPOCH) // window
    text = f"limit.v1\n{store}\n{kind}\n{number}\n{subject}"
    digest = hmac.new(secret.encode(), text.encode(), sha256).hexdigest()[:32]
    return VisitCounter(store, f"{kind}#{digest}", _EPOCH + (number + 1) * window)


class VisitorLimits(Protocol):
    """Counts what may not happen too often."""

    def count(self, counter: VisitCounter, number: int = 1) -> int:
        """Count some more; how many there were in this window by now, these included."""
