"""The send ledger: claim in one transaction, settle, merge what SES reports."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.base import instants
from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.suppression import ERASED, address_hash
from milepost.enrollments.dynamodb.enrollment_item import pending_outcomes_update
from milepost.enrollments.ports import PendingOutcomes
from milepost.sending.delivery_state import for_conditions
from milepost.sending.dynamodb.recent_marketing import (
    claim_recent_send,
    recent_sends_operation,
    remove_recent_send,
)
from milepost.sending.message import (
    CONFIRMATION_TIMEOUT,
    RETRY_PERIOD,
    Accepted,
    Answer,
    ClaimDenied,
    Claimed,
    DeliveryEvent,
    MessageStatus,
    PendingMessage,
    message_id,
)
from milepost.sending.message import SubmissionRejected as PostRefused

_OPEN = "(#status = :claimed OR #status = :unknown)"
_UNTOUCHED = (
    "(attribute_not_exists(pk) OR #status = :throttled OR "
    "(#status = :failed AND attribute_exists(abandoned_at)))"
)
_THROTTLED = {":throttled": "throttled", ":failed": "failed"}
_FINAL = "attribute_exists(final_status)"
"""SES may take a message and throw it away later: that is final, whatever is reported after."""


@dataclass(frozen=True, slots=True)
class DynamoLedger:
    """Implements `Ledger` and `Archive`.

    `to_wire` turns a business instant into a real one, for the timers.
    """

    table: Table
    to_wire: Callable[[datetime], datetime]

    def claim(
        self, draft: PendingMessage, journal: PendingOutcomes, at: datetime
    ) -> Claimed | ClaimDenied:
        claim = self._put(self._entry(draft, "claimed", at), _UNTOUCHED, _THROTTLED)
        return self._together(draft, claim, journal, at, only_active=True)

    def claim_again(self, draft: PendingMessage, at: datetime) -> Claimed | ClaimDenied:
        claim = self._put(
            self._entry(draft, "claimed", at, attempts=2),
            f"({_OPEN} OR #status = :throttled) AND attempts = :once",
            {
                ":claimed": "claimed",
                ":unknown": "unknown",
                ":throttled": "throttled",
                ":once": 1,
            },
        )
        return self._together(draft, claim, PendingOutcomes(), at, only_active=False)

    def record_result(self, ref: MessageRef, answer: Answer, at: datetime) -> None:
        if isinstance(answer, Accepted):
            self._accept(ref, {":id": answer.ses_id, ":at": instants.format_instant(at)})
            return
        status: MessageStatus = "unknown"
        if isinstance(answer, PostRefused):
            status = "throttled" if answer.retry else "rejected"
        timer, values = (
            ("", {}) if status == "unknown" else (f" REMOVE {keys.TIMER_ATTRIBUTES}", {})
        )
        if status == "throttled":
            due = self._timer(ref, at, RETRY_PERIOD)
            timer = "".join(f", {name} = :{name}" for name in due)
            values = {f":{name}": value for name, value in due.items()}
        with suppress(ConditionFailedError):  # if SES's own event was faster, it knows better
            self.table.update(
                keys.message(ref),
                expression=f"SET #status = :status, reason = :reason{timer}",
                condition=_OPEN,
                names={"#status": "status"},
                values={
                    ":status": status,
                    ":reason": answer.reason[:500],
                    ":claimed": "claimed",
                    ":unknown": "unknown",
                    **values,
                },
            )
            if status == "rejected":
                remove_recent_send(self.table, ref, ref.contact)

    def record_skip(
        self,
        draft: PendingMessage,
        status: MessageStatus,
        reason: str,
        journal: PendingOutcomes,
        at: datetime,
    ) -> None:
        decided = self._put(self._entry(draft, status, at, reason), _UNTOUCHED, _THROTTLED)
        written = pending_outcomes_update(journal)
        operations = [decided]
        if written:
            own = {
                "Key": keys.enrollment(draft.enrollment),
                **self.table.update_arguments(**written),
            }
            operations.append({"Update": own})
        try:
            self.table.transact(operations)
            if draft.remembered:  # it was claimed before, but the post was too busy for it
                remove_recent_send(self.table, draft.ref, draft.owner or draft.ref.contact)
        except ConditionFailedError:
            if written:  # the decision was recorded by an earlier run; this run's findings were not
                self.table.update(keys.enrollment(draft.enrollment), **written)

    def record_delivery_event(
        self, ref: MessageRef, report: DeliveryEvent
    ) -> Mapping[str, Any] | None:
        # who sends needs none
        from milepost.sending.dynamodb.delivery_events import merge_delivery_event

        return merge_delivery_event(self.table, keys.message(ref), report)

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        return self.table.get(keys.message(ref))

    def message_statuses(
        self, enrollment: EnrollmentRef, visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        refs = {message_id(enrollment, step, visit): step for step, visit in visits.items()}
        items = self.table.get_many(
            [keys.message(MessageRef(enrollment.store, enrollment.contact, id_)) for id_ in refs]
        )
        return {refs[item["sk"].removeprefix("MESSAGE#")]: for_conditions(item) for item in items}

    def _accept(self, ref: MessageRef, values: Mapping[str, Any]) -> None:
        """A contact that was erased meanwhile has no ledger any more; nothing happens then."""
        noted = "ses_id = :id, accepted_at = :at"
        plain = {
            "expression": f"SET #status = :status, {noted} REMOVE {keys.TIMER_ATTRIBUTES}, reason",
            "condition": f"attribute_exists(pk) AND NOT {_FINAL}",
            "names": {"#status": "status"},
            "values": {":status": "accepted", **values},
        }
        try:
            self.table.update(keys.message(ref), **plain)
        except ConditionFailedError:
            with suppress(ConditionFailedError):
                self.table.update(
                    keys.message(ref), expression=f"SET {noted}", condition=_FINAL, values=values
                )

    def _entry(
        self,
        draft: PendingMessage,
        status: MessageStatus,
        at: datetime,
        reason: str = "",
        attempts: int = 1,
    ) -> dict[str, Any]:
        ref, enrollment = draft.ref, draft.enrollment
        entry: dict[str, Any] = {
            "status": status,
            "reason": reason or None,
            "store": ref.store,
            "workflow": enrollment.workflow,
            "version": enrollment.version,
            "enrollment": enrollment.id,
            "step": draft.step,
            "block_seq": draft.turn,
            "variant": draft.variant or None,
            "category": draft.category,
            "topic": draft.topic,
            "template": draft.template,
            "template_hash": draft.template_hash or None,
            "recipient": address_hash(draft.recipient) if draft.recipient else None,
            "numbers": dict(draft.decision_numbers),
            "decided_at": instants.format_instant(at),
            "attempts": attempts,
            "run_bucket": keys.run_bucket(ref.store, enrollment.workflow, keys.shard(ref.contact)),
            "run_sort": f"MESSAGE#{draft.step}#{ref.id}",
        }
        if status == "claimed":
            entry |= self._timer(ref, at, CONFIRMATION_TIMEOUT)
        return keys.message(ref) | pack(entry)

    def _timer(self, ref: MessageRef, at: datetime, wait: timedelta) -> dict[str, str]:
        due = self.to_wire(at) + wait
        return {
            "kind": "message",
            "timer_bucket": keys.timer_bucket(due, keys.shard(ref.contact)),
            "timer_due": instants.format_instant(due),
        }

    def _put(
        self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        request = self.table.update_arguments("", condition, {"#status": "status"}, values)
        return {"Put": {"Item": item, **request}}

    def _together(
        self,
        draft: PendingMessage,
        claim: Mapping[str, Any],
        journal: PendingOutcomes,
        at: datetime,
        only_active: bool,
    ) -> Claimed | ClaimDenied:
        table, ref = self.table, draft.ref
        suppressed = keys.suppression(ref.store, address_hash(draft.recipient))
        open_to = table.update_arguments("", "attribute_not_exists(pk)")
        if (
            draft.category == "transactional"
        ):  # who was erased and orders anew gets what concerns it
            open_to = table.update_arguments(
                "", "attribute_not_exists(pk) OR reason = :erased", {}, {":erased": ERASED}
            )
        operations = [
            claim,
            {
                "ConditionCheck": {
                    "Key": suppressed,
                    **open_to,
                }
            },
            recent_sends_operation(table, draft, at),
        ]
        if only_active:
            operations.append(_enrollment_operation(table, draft, journal))
        try:
            table.transact(operations)
        except ConditionFailedError as refused:
            return _why_not(refused, draft)
        return Claimed()


def _enrollment_operation(
    table: Table, draft: PendingMessage, journal: PendingOutcomes
) -> dict[str, Any]:
    change = pending_outcomes_update(journal)
    names = {**change.get("names", {}), "#status": "status"}
    values = {**change.get("values", {}), ":active": "active"}
    held = "#status = :active AND attribute_not_exists(execution_no)"
    if draft.leg:
        held, values[":execution"] = "#status = :active AND execution_no = :execution", draft.leg
    request = table.update_arguments(change.get("expression", ""), held, names, values)
    key = keys.enrollment(draft.enrollment)
    return {"Update" if change else "ConditionCheck": {"Key": key, **request}}


def _why_not(refused: ConditionFailedError, draft: PendingMessage) -> ClaimDenied:
    message, suppressed, profile, *enrollment = zip(refused.failed, refused.items, strict=True)
    if message[0]:
        held = message[1]
        return ClaimDenied("decided before", held["status"] if held else "claimed")
    if enrollment and enrollment[0][0]:
        held = enrollment[0][1] or {}
        if held.get("status") == "active":
            raise ThrottledError("the enrollment goes on in another execution")
        return ClaimDenied(f"enrollment is {held.get('status', 'gone')}", ended=True)
    if suppressed[0]:
        held = suppressed[1] or {}
        return ClaimDenied(f"suppressed: {held.get('reason', 'unknown')}")
    if (profile[1] or {}).get("email") != draft.recipient:
        raise ThrottledError("the contact's address changed while its mail was made")
    if claim_recent_send(profile[1] or {}, draft):
        raise ThrottledError("another mail to the contact was claimed while this one was made")
    return ClaimDenied("consent withdrawn")
