"""Pace: a mail waits for its token before it is claimed, so that all workers together stay under
what SES allows. A token that is not used is lost, which harms nobody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zlib import crc32

from milepost.domain.messages import Category
from milepost.domain.pace import (
    FRESH,
    Allowance,
    NoToken,
    Quota,
    Ramp,
    Why,
    Wish,
    allow,
    micros,
    wish,
)
from milepost.domain.refs import MessageRef
from milepost.ports.errors import Busy


class Tokens(Protocol):
    """The rows of tokens that all workers share, and what they know of SES."""

    def take(self, wish: Wish) -> int | NoToken:
        """The place in the row, in microseconds of real time."""

    def allowance(self) -> Allowance | None:
        """What SES said last."""

    def may_ask(self, now: int, again_after: int) -> bool:
        """Whether it is this worker's turn to ask SES: True for one of many, once a while."""

    def taken(self) -> Sequence[int]:
        """How many tokens each row has given so far."""

    def note(self, allowance: Allowance) -> None: ...


class Quotas(Protocol):
    """Asks SES what it allows."""

    def quota(self) -> Quota:
        """Raises `Busy` if SES does not say."""


@dataclass(slots=True)
class Pace:
    """Gives tokens. `now` is real time. `quotas` is asked once a minute, by one of all workers."""

    tokens: Tokens
    quotas: Callable[[], Quotas]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    _known: Allowance | None = None
    _until: int = 0

    def wait(self, ref: MessageRef, category: Category, ramp: Ramp | None) -> Why | None:
        """Take a token and sleep until its time; the reason why there is none, or None.

        Raises `Busy` if nobody knows what SES allows.
        """
        allowance = self._allowance()
        asked = wish(allowance, category, crc32(ref.id.encode()), self.now(), ramp)
        place = self.tokens.take(asked)
        if isinstance(place, NoToken):
            return place.why
        rest = place - micros(self.now())
        if rest > 0:
            self.sleep(rest / 1_000_000)
        return None

    def _allowance(self) -> Allowance:
        """What SES allows, from memory, from what another worker learned, or from SES itself."""
        now = self.now()
        if self._known is None or micros(now) >= self._until:
            known = self.tokens.allowance()
            self._until = micros(now + FRESH)
            if known is None or micros(now - FRESH) >= known.at:
                known = self._ask(now, known) or known
            if known is None:
                raise Busy("another worker is asking SES what it allows")
            self._known = known
        return self._known

    def _ask(self, now: datetime, known: Allowance | None) -> Allowance | None:
        """What SES says now; None if it is another worker's turn to ask, or SES does not say."""
        lease = timedelta(seconds=10) if known is None else FRESH
        if not self.tokens.may_ask(micros(now), micros(now - lease)):
            return None
        taken = self.tokens.taken()  # before SES is asked: what is sent between counts twice
        try:
            quota = self.quotas().quota()
        except Busy:
            if known is None:
                raise
            return None
        allowance = allow(quota, taken, now)
        self.tokens.note(allowance)
        return allowance
