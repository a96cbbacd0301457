"""Reserve a send slot before the claim, so that all workers together stay below the rate of SES.

A slot that is not used is lost, which does no harm.
"""

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
    """The rows of send slots that all workers share, and the limits of SES."""

    def take(self, request: SlotRequest) -> int | NoSlot:
        """The reserved slot, in microseconds of real time."""

    def allowance(self) -> SesLimits | None:
        """The last known limits."""

    def may_ask(self, now: int, again_after: int) -> bool:
        """Whether this worker asks SES: True for one worker in each interval."""

    def taken(self) -> Sequence[int]:
        """How many slots each row has given so far."""

    def note(self, limits: SesLimits) -> None: ...


class SesQuotas(Protocol):
    """Reads the account's quota from SES."""

    def quota(self) -> SesQuota:
        """The quota. Raises `ThrottledError` if SES does not return it."""


@dataclass(slots=True)
class SendRateLimiter:
    """Reserves send slots. `now` is real time. One of all workers calls `quotas` once a minute."""

    tokens: SendSlots
    quotas: Callable[[], SesQuotas]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    _known: SesLimits | None = None
    _until: int = 0

    def reserve(
        self, pending: PendingMessage, settings: StoreSettings, due: datetime, now: datetime
    ) -> Defer | None:
        """Reserve a slot for a message and wait for it. Without a slot, return the deferral, or
        raise `ThrottledError` if the next try is soon.

        `due` and `now` are business time: the due time of the block run, and the present.
        """
        warm_up = None
        if settings.warm_up is not None and pending.category == "marketing":
            from milepost.sending.warm_up import warm_up_limit  # few stores are new

            warm_up = warm_up_limit(pending.ref.store, settings, now)
        no_slot = self.wait(pending.ref, pending.category, warm_up)
        if no_slot is None:
            return None
        if no_slot == "warm-up":
            from milepost.sending.warm_up import next_day

            return Defer(next_day(settings, now), no_slot)
        delay = retry_after(
            no_slot, pending.category, now - due, random_share(pending.enrollment, pending.step)
        )
        if delay is None:
            raise ThrottledError("all send slots of the next seconds are taken")
        return Defer(now + delay, no_slot)

    def wait(self, ref: MessageRef, category: Category, warm_up: WarmUpLimit | None) -> Why | None:
        """Reserve a slot and sleep until it. Return the reason if there is none.

        Raises `ThrottledError` if the limits of SES are unknown.
        """
        limits = self._limits()
        request = slot_request(limits, category, crc32(ref.id.encode()), self.now(), warm_up)
        slot = self.tokens.take(request)
        if isinstance(slot, NoSlot):
            return slot.why
        delay = slot - micros(self.now())
        if delay > 0:
            self.sleep(delay / 1_000_000)
        return None

    def _limits(self) -> SesLimits:
        """The limits of SES: from memory, from the table, or from SES itself."""
        now = self.now()
        if self._known is None or micros(now) >= self._until:
            known_limits = self.tokens.allowance()
            self._until = micros(now + QUOTA_FRESH_FOR)
            if known_limits is None or micros(now - QUOTA_FRESH_FOR) >= known_limits.at:
                known_limits = self._read_quota(now, known_limits) or known_limits
            if known_limits is None:
                raise ThrottledError("another worker is reading the quota of SES")
            self._known = known_limits
        return self._known

    def _read_quota(self, now: datetime, known_limits: SesLimits | None) -> SesLimits | None:
        """The limits of SES now; None if another worker asks, or SES does not return them."""
        lease = timedelta(seconds=10) if known_limits is None else QUOTA_FRESH_FOR
        if not self.tokens.may_ask(micros(now), micros(now - lease)):
            return None
        taken = self.tokens.taken()  # before the request: e-mails sent in between count twice
        try:
            quota = self.quotas().quota()
        except ThrottledError:
            if known_limits is None:
                raise
            return None
        limits = apply_quota(quota, taken, now)
        self.tokens.note(limits)
        return limits
