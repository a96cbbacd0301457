"""Pace: a mail waits for its token before it is claimed, so that all workers together stay under
what SES allows. A token that is not used is lost, which harms nobody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zlib import crc32

from milepost.base.errors import Busy
from milepost.base.refs import MessageRef
from milepost.enrollments.chance import share
from milepost.sending.gate import Defer
from milepost.sending.message import Category, Draft
from milepost.sending.rate_limit import (
    FRESH,
    Allowance,
    NoToken,
    Quota,
    Ramp,
    Why,
    Wish,
    allow,
    later,
    micros,
    wish,
)
from milepost.stores.settings import StoreSettings


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

    def token(
        self, draft: Draft, settings: StoreSettings, due: datetime, now: datetime
    ) -> Defer | None:
        """Wait for a message's token; when it is tried again if there is none, or `Busy` if that is
        soon. `due` and `now` are of the business: when its block began, and the present."""
        ramp = None
        if settings.warm_up is not None and draft.category == "marketing":
            from milepost.sending.warm_up import ramp_of  # few stores are new

            ramp = ramp_of(draft.ref.store, settings, now)
        why = self.wait(draft.ref, draft.category, ramp)
        if why is None:
            return None
        if why == "warm-up":
            from milepost.sending.warm_up import next_day

            return Defer(next_day(settings, now), why)
        rest = later(why, draft.category, now - due, share(draft.enrollment, draft.step))
        if rest is None:
            raise Busy("as much mail is under way as SES takes")
        return Defer(now + rest, why)

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
