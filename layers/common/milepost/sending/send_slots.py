"""Pace: a mail waits for its token before it is claimed, so that all workers together stay under
what SES allows. A token that is not used is lost, which harms nobody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zlib import crc32

from milepost.base.errors import ThrottledError
from milepost.base.refs import MessageRef
from milepost.enrollments.chance import random_share
from milepost.sending.gate import Defer
from milepost.sending.message import Category, PendingMessage
from milepost.sending.rate_limit import (
    QUOTA_FRESH_FOR,
    NoSlot,
    SesLimits,
    SesQuota,
    SlotRequest,
    WarmUpLimit,
    Why,
    apply_quota,
    micros,
    retry_after,
    slot_request,
)
from milepost.stores.settings import StoreSettings


class SendSlots(Protocol):
    """The rows of tokens that all workers share, and what they know of SES."""

    def take(self, wish: SlotRequest) -> int | NoSlot:
        """The place in the row, in microseconds of real time."""

    def allowance(self) -> SesLimits | None:
        """What SES said last."""

    def may_ask(self, now: int, again_after: int) -> bool:
        """Whether it is this worker's turn to ask SES: True for one of many, once a while."""

    def taken(self) -> Sequence[int]:
        """How many tokens each row has given so far."""

    def note(self, allowance: SesLimits) -> None: ...


class SesQuotas(Protocol):
    """Asks SES what it allows."""

    def quota(self) -> SesQuota:
        """Raises `ThrottledError` if SES does not say."""


@dataclass(slots=True)
class SendRateLimiter:
    """Gives tokens. `now` is real time. `quotas` is asked once a minute, by one of all workers."""

    tokens: SendSlots
    quotas: Callable[[], SesQuotas]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    _known: SesLimits | None = None
    _until: int = 0

    def reserve(
        self, draft: PendingMessage, settings: StoreSettings, due: datetime, now: datetime
    ) -> Defer | None:
        """Wait for a message's token; when it is tried again if there is none, or `ThrottledError`
        if that is soon. `due` and `now` are of the business: when its block began, and the
        present."""
        ramp = None
        if settings.warm_up is not None and draft.category == "marketing":
            from milepost.sending.warm_up import warm_up_limit  # few stores are new

            ramp = warm_up_limit(draft.ref.store, settings, now)
        why = self.wait(draft.ref, draft.category, ramp)
        if why is None:
            return None
        if why == "warm-up":
            from milepost.sending.warm_up import next_day

            return Defer(next_day(settings, now), why)
        rest = retry_after(
            why, draft.category, now - due, random_share(draft.enrollment, draft.step)
        )
        if rest is None:
            raise ThrottledError("as much mail is under way as SES takes")
        return Defer(now + rest, why)

    def wait(self, ref: MessageRef, category: Category, ramp: WarmUpLimit | None) -> Why | None:
        """Take a token and sleep until its time; the reason why there is none, or None.

        Raises `ThrottledError` if nobody knows what SES allows.
        """
        allowance = self._allowance()
        asked = slot_request(allowance, category, crc32(ref.id.encode()), self.now(), ramp)
        place = self.tokens.take(asked)
        if isinstance(place, NoSlot):
            return place.why
        rest = place - micros(self.now())
        if rest > 0:
            self.sleep(rest / 1_000_000)
        return None

    def _allowance(self) -> SesLimits:
        """What SES allows, from memory, from what another worker learned, or from SES itself."""
        now = self.now()
        if self._known is None or micros(now) >= self._until:
            known = self.tokens.allowance()
            self._until = micros(now + QUOTA_FRESH_FOR)
            if known is None or micros(now - QUOTA_FRESH_FOR) >= known.at:
                known = self._ask(now, known) or known
            if known is None:
                raise ThrottledError("another worker is asking SES what it allows")
            self._known = known
        return self._known

    def _ask(self, now: datetime, known: SesLimits | None) -> SesLimits | None:
        """What SES says now; None if it is another worker's turn to ask, or SES does not say."""
        lease = timedelta(seconds=10) if known is None else QUOTA_FRESH_FOR
        if not self.tokens.may_ask(micros(now), micros(now - lease)):
            return None
        taken = self.tokens.taken()  # before SES is asked: what is sent between counts twice
        try:
            quota = self.quotas().quota()
        except ThrottledError:
            if known is None:
                raise
            return None
        allowance = apply_quota(quota, taken, now)
        self.tokens.note(allowance)
        return allowance
