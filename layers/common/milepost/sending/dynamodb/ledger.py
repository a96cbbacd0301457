"""The send ledger in DynamoDB: the claim's transaction and what it writes to the profile."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.base import times
from milepost.base.addresses import ERASED, address_hash
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.contacts.dynamodb.profile_item import CONSENT
from milepost.contacts.recent_marketing import NO_SENDS, send_key, to_numbers
from milepost.enrollments.dynamodb.enrollment_item import pending_outcomes_update
from milepost.enrollments.ports import PendingOutcomes
from milepost.sending.delivery_state import for_conditions
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
    SubmissionRejected,
    message_id,
)


def recent_sends_operation(table: Table, pending: "PendingMessage", at: datetime) -> dict[str, Any]:
    """The claim's operation on the profile: the address and the consent must be unchanged.

    Marketing is added to the recent sends, if they have not changed since the gate's decision.
    """
    key = keys.profile(pending.ref.store, pending.owner or pending.ref.contact)
    same_address = "email = :email"
    values: dict[str, Any] = {":email": pending.recipient}
    if pending.category != "marketing":
        return {
            "ConditionCheck": {"Key": key, **table.update_arguments("", same_address, {}, values)}
        }
    seen = to_numbers(pending.mailed)
    values |= {
        ":granted": "granted",
        ":sends": to_numbers(pending.mailed_at(at)),
        **({":seen": seen} if seen else {}),
    }
    since = "recent_sends = :seen" if seen else "attribute_not_exists(recent_sends)"
    change = table.update_arguments(
        "SET recent_sends = :sends",
        f"{same_address} AND #consent.#state = :granted AND {since}",
        {"#consent": f"{CONSENT}{pending.topic}", "#state": "state"},
        values,
    )
    return {"Update": {"Key": key, **change}}


def claim_recent_send(profile: dict[str, Any], pending: "PendingMessage") -> bool:
    """Whether the claim failed for another reason than consent."""
    consent = profile.get(f"{CONSENT}{pending.topic}", {})
    return pending.category != "marketing" or consent.get("state") == "granted"


def remove_recent_send(
    table: Table, ref: "MessageRef", contact: str, claimed_at: datetime | None = None
) -> None:
    """Stop counting a message that will not be sent. The attribute never becomes empty by this.

    With `claimed_at`, remove only the claim of that instant, because a later claim may exist.
    """
    condition, values = "attribute_exists(recent_sends.#key)", to_numbers({":never": NO_SENDS})
    if claimed_at is not None:
        condition, values = "recent_sends.#key = :at", values | to_numbers({":at": claimed_at})
    with suppress(ConditionFailedError):  # the message was transactional, or has been dropped
        while contact:
            try:
                table.update(
                    keys.profile(ref.store, contact),
                    expression="SET recent_sends.#key = :never",
                    condition=condition,
                    names={"#key": send_key(ref.id)},
                    values=values,
                )
                return
            except ConditionFailedError as failed:
                contact = (failed.items[0] or {}).get("merged_into", "")


_OPEN = "(#status = :claimed OR #status = :unknown)"
_CLAIMABLE = (
    "(attribute_not_exists(pk) OR #status = :throttled OR "
    "(#status = :failed AND attribute_exists(abandoned_at)))"
)
_THROTTLED = {":throttled": "throttled", ":failed": "failed"}
_FINAL = "attribute_exists(final_status)"
"""SES can accept a message and reject it later. The rejection is final, whatever events follow."""


@dataclass(frozen=True, slots=True)
class DynamoLedger:
    """Implements `Ledger` and `MessageArchive`.

    `to_wire` turns business time into real time, for the timers.
    """

    table: Table
    to_wire: Callable[[datetime], datetime]

    def claim(
        self, pending: PendingMessage, outcomes: PendingOutcomes, at: datetime
    ) -> Claimed | ClaimDenied:
        claim = self._put(self._entry(pending, "claimed", at), _CLAIMABLE, _THROTTLED)
        return self._claim_transaction(pending, claim, outcomes, at, only_active=True)

    def claim_again(self, pending: PendingMessage, at: datetime) -> Claimed | ClaimDenied:
        claim = self._put(
            self._entry(pending, "claimed", at, attempts=2),
            f"({_OPEN} OR #status = :throttled) AND attempts = :once",
            {
                ":claimed": "claimed",
                ":unknown": "unknown",
                ":throttled": "throttled",
                ":once": 1,
            },
        )
        return self._claim_transaction(pending, claim, PendingOutcomes(), at, only_active=False)

    def record_result(self, ref: MessageRef, answer: Answer, at: datetime) -> None:
        if isinstance(answer, Accepted):
            self._accept(ref, {":id": answer.ses_id, ":at": times.format_instant(at)})
            return
        status: MessageStatus = "unknown"
        if isinstance(answer, SubmissionRejected):
            status = "throttled" if answer.retry else "rejected"
        timer, values = (
            ("", {}) if status == "unknown" else (f" REMOVE {keys.TIMER_ATTRIBUTES}", {})
        )
        if status == "throttled":
            due = self._timer(ref, at, RETRY_PERIOD)
            timer = "".join(f", {name} = :{name}" for name in due)
            values = {f":{name}": value for name, value in due.items()}
        with suppress(ConditionFailedError):  # a delivery event that was faster takes precedence
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
        pending: PendingMessage,
        status: MessageStatus,
        reason: str,
        outcomes: PendingOutcomes,
        at: datetime,
    ) -> None:
        decided = self._put(self._entry(pending, status, at, reason), _CLAIMABLE, _THROTTLED)
        saved = pending_outcomes_update(outcomes)
        operations = [decided]
        if saved:
            enrollment_update = {
                "Key": keys.enrollment(pending.enrollment),
                **self.table.update_arguments(**saved),
            }
            operations.append({"Update": enrollment_update})
        try:
            self.table.transact(operations)
            if pending.remembered:  # it was claimed before, but SES throttled it
                remove_recent_send(self.table, pending.ref, pending.owner or pending.ref.contact)
        except ConditionFailedError:
            if saved:  # an earlier run recorded the decision, but not this run's outcomes
                self.table.update(keys.enrollment(pending.enrollment), **saved)

    def record_delivery_event(
        self, ref: MessageRef, event: DeliveryEvent
    ) -> Mapping[str, Any] | None:
        # The functions that send do not need this module.
        from milepost.sending.dynamodb.delivery_events import merge_delivery_event

        return merge_delivery_event(self.table, keys.message(ref), event)

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
        """Record an accepted message. Has no effect if the contact has been erased meanwhile."""
        ses_data = "ses_id = :id, accepted_at = :at"
        update = {
            "expression": f"SET #status = :status, {ses_data} "
            f"REMOVE {keys.TIMER_ATTRIBUTES}, reason",
            "condition": f"attribute_exists(pk) AND NOT {_FINAL}",
            "names": {"#status": "status"},
            "values": {":status": "accepted", **values},
        }
        try:
            self.table.update(keys.message(ref), **update)
        except ConditionFailedError:
            with suppress(ConditionFailedError):
                self.table.update(
                    keys.message(ref),
                    expression=f"SET {ses_data}",
                    condition=_FINAL,
                    values=values,
                )

    def _entry(
        self,
        pending: PendingMessage,
        status: MessageStatus,
        at: datetime,
        reason: str = "",
        attempts: int = 1,
    ) -> dict[str, Any]:
        ref, enrollment = pending.ref, pending.enrollment
        entry: dict[str, Any] = {
            "status": status,
            "reason": reason or None,
            "store": ref.store,
            "workflow": enrollment.workflow,
            "version": enrollment.version,
            "enrollment": enrollment.id,
            "step": pending.step,
            "block_seq": pending.block_seq,
            "variant": pending.variant or None,
            "category": pending.category,
            "topic": pending.topic,
            "template": pending.template,
            "template_hash": pending.template_hash or None,
            "recipient": address_hash(pending.recipient) if pending.recipient else None,
            "numbers": dict(pending.decision_numbers),
            "decided_at": times.format_instant(at),
            "attempts": attempts,
            "run_bucket": keys.run_bucket(ref.store, enrollment.workflow, keys.shard(ref.contact)),
            "run_sort": f"MESSAGE#{pending.step}#{ref.id}",
        }
        if status == "claimed":
            entry |= self._timer(ref, at, CONFIRMATION_TIMEOUT)
        return keys.message(ref) | pack(entry)

    def _timer(self, ref: MessageRef, at: datetime, wait: timedelta) -> dict[str, str]:
        due = self.to_wire(at) + wait
        return {
            "kind": "message",
            "timer_bucket": keys.timer_bucket(due, keys.shard(ref.contact)),
            "timer_due": times.format_instant(due),
        }

    def _put(
        self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        request = self.table.update_arguments("", condition, {"#status": "status"}, values)
        return {"Put": {"Item": item, **request}}

    def _claim_transaction(
        self,
        pending: PendingMessage,
        claim: Mapping[str, Any],
        outcomes: PendingOutcomes,
        at: datetime,
        only_active: bool,
    ) -> Claimed | ClaimDenied:
        table, ref = self.table, pending.ref
        suppressed = keys.suppression(ref.store, address_hash(pending.recipient))
        allowed = table.update_arguments("", "attribute_not_exists(pk)")
        if pending.category == "transactional":
            # An erased contact who orders again gets the e-mails about the order.
            allowed = table.update_arguments(
                "", "attribute_not_exists(pk) OR reason = :erased", {}, {":erased": ERASED}
            )
        operations = [
            claim,
            {
                "ConditionCheck": {
                    "Key": suppressed,
                    **allowed,
                }
            },
            recent_sends_operation(table, pending, at),
        ]
        if only_active:
            operations.append(_enrollment_operation(table, pending, outcomes))
        try:
            table.transact(operations)
        except ConditionFailedError as failed:
            return _claim_failure(failed, pending)
        return Claimed()


def _enrollment_operation(
    table: Table, pending: PendingMessage, outcomes: PendingOutcomes
) -> dict[str, Any]:
    change = pending_outcomes_update(outcomes)
    names = {**change.get("names", {}), "#status": "status"}
    values = {**change.get("values", {}), ":active": "active"}
    condition = "#status = :active AND attribute_not_exists(execution_no)"
    if pending.execution_no:
        condition, values[":execution"] = (
            "#status = :active AND execution_no = :execution",
            pending.execution_no,
        )
    request = table.update_arguments(change.get("expression", ""), condition, names, values)
    key = keys.enrollment(pending.enrollment)
    return {"Update" if change else "ConditionCheck": {"Key": key, **request}}


def _claim_failure(failed: ConditionFailedError, pending: PendingMessage) -> ClaimDenied:
    message, suppressed, profile, *enrollment = zip(failed.failed, failed.items, strict=True)
    if message[0]:
        item = message[1]
        return ClaimDenied("decided before", item["status"] if item else "claimed")
    if enrollment and enrollment[0][0]:
        item = enrollment[0][1] or {}
        if item.get("status") == "active":
            raise ThrottledError("the enrollment continues in another execution")
        return ClaimDenied(f"enrollment is {item.get('status', 'gone')}", ended=True)
    if suppressed[0]:
        item = suppressed[1] or {}
        return ClaimDenied(f"suppressed: {item.get('reason', 'unknown')}")
    if (profile[1] or {}).get("email") != pending.recipient:
        raise ThrottledError("the contact's address changed before the claim")
    if claim_recent_send(profile[1] or {}, pending):
        raise ThrottledError("another mail to the contact was claimed before this one")
    return ClaimDenied("consent withdrawn")
