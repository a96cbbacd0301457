"""The send ledger in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.base import times
from milepost.base.addresses import ERASED, address_hash
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.contacts.recent_marketing import remove_send
from milepost.sending.delivery_state import for_conditions, merge_delivery_event
from milepost.sending.message import (
    CONFIRMATION_TIMEOUT,
    RETRY_PERIOD,
    Accepted,
    Answer,
    ClaimDenied,
    Claimed,
    DeliveryEvent,
    MessageStatus,
    NoResponse,
    PendingMessage,
    is_claimable,
    message_id,
)
from milepost.simulator.memory.enrollments import save_outcomes
from milepost.simulator.memory.state import ContactsTable, enrollment_key

if TYPE_CHECKING:
    from milepost.enrollments.ports import PendingOutcomes


OPEN: tuple[MessageStatus, ...] = ("claimed", "unknown")


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """Implements `Ledger` and `MessageArchive`.

    `to_wire` turns a business instant into a real one, for the timers.
    """

    state: ContactsTable
    to_wire: Callable[[datetime], datetime] = lambda instant: instant

    def claim(
        self, pending: PendingMessage, outcomes: "PendingOutcomes", at: datetime
    ) -> Claimed | ClaimDenied:
        with self.state.lock:
            stored = self.state.messages.get(pending.ref)
            if stored is not None and not is_claimable(stored):
                return ClaimDenied("decided before", stored["status"])
            enrollment = self.state.enrollments.get(enrollment_key(pending.enrollment))
            if enrollment is None or enrollment.status != "active":
                status = enrollment.status if enrollment else "gone"
                return ClaimDenied(f"enrollment is {status}", ended=True)
            if enrollment.execution_no != pending.execution_no:
                raise ThrottledError("the enrollment continues in another execution")
            if refusal := self._refusal(pending):
                return refusal
            self._note(pending, at)
            self._claimed(pending, at, attempts=1)
            save_outcomes(self.state, pending.enrollment, outcomes)
        return Claimed()

    def claim_again(self, pending: PendingMessage, at: datetime) -> Claimed | ClaimDenied:
        with self.state.lock:
            stored = self.state.messages.get(pending.ref)
            again = (*OPEN, "throttled")
            if stored is None or stored["status"] not in again or stored["attempts"] != 1:
                return ClaimDenied("decided before", stored["status"] if stored else "claimed")
            if refusal := self._refusal(pending):
                return refusal
            self._claimed(pending, at, attempts=2)
        return Claimed()

    def record_result(self, ref: MessageRef, answer: Answer, at: datetime) -> None:
        with self.state.lock:
            message = self.state.messages.get(ref)
            if message is None:  # the contact was erased meanwhile
                return
            if isinstance(answer, Accepted):
                accepted = {"ses_id": answer.ses_id, "accepted_at": times.format_instant(at)}
                message |= accepted
                message.pop("timer_due", None)
                if "final_status" not in message:
                    message["status"] = "accepted"
                    message.pop("reason", None)
            elif message["status"] in OPEN:
                message["reason"] = answer.reason[:500]
                if isinstance(answer, NoResponse):
                    message["status"] = "unknown"
                elif answer.retry:
                    due = self.to_wire(at) + RETRY_PERIOD
                    message |= {"status": "throttled", "timer_due": times.format_instant(due)}
                else:
                    message["status"] = "rejected"
                    message.pop("timer_due", None)
                    if not answer.retry:
                        uncount(self.state, ref)

    def record_skip(
        self,
        pending: PendingMessage,
        status: MessageStatus,
        reason: str,
        outcomes: "PendingOutcomes",
        at: datetime,
    ) -> None:
        with self.state.lock:
            stored = self.state.messages.get(pending.ref)
            if is_claimable(stored):
                self._decide(pending, status, at)["reason"] = reason
                if pending.remembered:
                    uncount(self.state, pending.ref)
            save_outcomes(self.state, pending.enrollment, outcomes)

    def record_delivery_event(
        self, ref: MessageRef, report: DeliveryEvent
    ) -> Mapping[str, Any] | None:
        with self.state.lock:
            message = self.state.messages.get(ref)
            if message is None or "recipient" not in message:
                return None
            named = report.hashes()
            if named and message["recipient"] not in named:
                return None
            news = merge_delivery_event(message, report)
            return {**message, "news": True} if news else dict(message)

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        with self.state.lock:
            stored = self.state.messages.get(ref)
            return dict(stored) if stored is not None else None

    def message_statuses(
        self, enrollment: EnrollmentRef, visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        refs = {
            step: MessageRef(
                enrollment.store, enrollment.contact, message_id(enrollment, step, visit)
            )
            for step, visit in visits.items()
        }
        with self.state.lock:
            stored = {step: self.state.message(ref) for step, ref in refs.items()}
        return {
            step: for_conditions(message) for step, message in stored.items() if message is not None
        }

    def _refusal(self, pending: PendingMessage) -> ClaimDenied | None:
        """The reason why this contact must not be mailed now. The caller holds the lock."""
        store = pending.ref.store
        suppressed = self.state.suppressed.get((store, address_hash(pending.recipient)))
        order_after_erasure = suppressed == ERASED and pending.category == "transactional"
        if suppressed is not None and not order_after_erasure:
            return ClaimDenied(f"suppressed: {suppressed}")
        profile = self.state.profile(store, pending.owner or pending.ref.contact)
        if profile.email != pending.recipient:
            raise ThrottledError("the contact's address changed while its mail was made")
        consent = profile.consent.get(pending.topic or "")
        if pending.category == "marketing" and (consent is None or consent.state != "granted"):
            return ClaimDenied("consent withdrawn")
        return None

    def _note(self, pending: PendingMessage, at: datetime) -> None:
        """Add marketing to the recent sends; ThrottledError if another mail was added meanwhile."""
        store, contact = pending.ref.store, pending.owner or pending.ref.contact
        if pending.category == "marketing":
            profile = self.state.profile(store, contact)
            if profile.recent_sends != pending.mailed:
                raise ThrottledError(
                    "another mail to the contact was claimed while this one was made"
                )
            self.state.profiles[store, contact] = replace(
                profile, recent_sends=pending.mailed_at(at)
            )

    def _claimed(self, pending: PendingMessage, at: datetime, attempts: int) -> None:
        message = self._decide(pending, "claimed", at)
        due = self.to_wire(at) + CONFIRMATION_TIMEOUT
        message |= {"attempts": attempts, "timer_due": times.format_instant(due)}
        for name in ("reason", "abandoned_at"):  # of an earlier attempt
            message.pop(name, None)

    def _decide(
        self, pending: PendingMessage, status: MessageStatus, at: datetime
    ) -> dict[str, Any]:
        message = self.state.messages.setdefault(pending.ref, {"attempts": 1})
        message |= {
            "status": status,
            "store": pending.ref.store,
            "workflow": pending.enrollment.workflow,
            "version": pending.enrollment.version,
            "enrollment": pending.enrollment.id,
            "step": pending.step,
            "block_seq": pending.block_seq,
            "category": pending.category,
            "template": pending.template,
            "numbers": dict(pending.decision_numbers),
            "decided_at": times.format_instant(at),
        }
        optional = {
            "topic": pending.topic,
            "template_hash": pending.template_hash,
            "variant": pending.variant,
            "recipient": pending.recipient and address_hash(pending.recipient),
        }
        message |= {name: value for name, value in optional.items() if value}
        return message


def uncount(state: ContactsTable, ref: MessageRef) -> None:
    """Remove an undelivered message from the recent sends. The caller holds the lock."""
    profile = state.owner(ref.store, ref.contact)
    if profile is not None:
        recent = remove_send(profile.recent_sends, ref.id)
        state.profiles[ref.store, profile.contact] = replace(profile, recent_sends=recent)
