"""Rate limits for visitors: counters per time window, under keys without personal data."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple, Protocol

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SIGN_UPS_OF_AN_ADDRESS = 3
"""Per day and store. It limits the e-mails to a person whose address another person enters."""

VISITS_OF_AN_ADDRESS = 1200
"""Browsing events an hour from one internet address, which a whole office may share."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VisitCounter(NamedTuple):
    """A counter for one time window. Its key reveals nothing without the secret."""

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

    All internet addresses can be tried out, so a hash without a key would not hide them.
    """
    number = (now - _EPOCH) // window
    text = f"limit.v1\n{store}\n{kind}\n{number}\n{subject}"
    digest = hmac.new(secret.encode(), text.encode(), sha256).hexdigest()[:32]
    return VisitCounter(store, f"{kind}#{digest}", _EPOCH + (number + 1) * window)


class VisitorLimits(Protocol):
    """Counts the requests of visitors."""

    def count(self, counter: VisitCounter, number: int = 1) -> int:
        """Add `number` to the counter and return its new value."""
