"""The send ledger: claim in one transaction, settle, merge what SES reports."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import Refused, Table, pack
from milepost.base import instants
from milepost.base.errors import Busy
from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.suppression import ERASED, address_hash
from milepost.enrollments.dynamodb import journal_change
from milepost.enrollments.ports import Journal
from milepost.sending.delivery_state import for_conditions
from milepost.sending.dynamodb.recent_marketing import granted, profile_operation, uncount
from milepost.sending.message import (
    RETRIED_FOR,
    UNCONFIRMED_FOR,
    Accepted,
    Answer,
    Claimed,
    Draft,
    MessageStatus,
    NotClaimed,
    Report,
    message_id,
)
from milepost.sending.message import Refused as PostRefused

_OPEN = "(#status = :claimed OR #status = :unknown)"
_UNTOUCHED = (
    "(attribute_not_exists(pk) OR #status = :throttled OR "
    "(#status = :failed AND attribute_exists(gave_up_at)))"
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

    def claim(self, draft: Draft, journal: Journal, at: datetime) -> Claimed | NotClaimed:
        claim = self._put(self._entry(draft, "claimed", at), _UNTOUCHED, _THROTTLED)
        return self._together(draft, claim, journal, at, only_active=True)

    def claim_again(self, draft: Draft, at: datetime) -> Claimed | NotClaimed:
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
        return self._together(draft, claim, Journal(), at, only_active=False)

    def settle(self, ref: MessageRef, answer: Answer, at: datetime) -> None:
        if isinstance(answer, Accepted):
            self._accept(ref, {":id": answer.ses_id, ":at": instants.show(at)})
            return
        status: MessageStatus = "unknown"
        if isinstance(answer, PostRefused):
            status = "throttled" if answer.retry else "rejected"
        timer, values = ("", {}) if status == "unknown" else (f" REMOVE {keys.NO_TIMER}", {})
        if status == "throttled":
            due = self._timer(ref, at, RETRIED_FOR)
            timer = "".join(f", {name} = :{name}" for name in due)
            values = {f":{name}": value for name, value in due.items()}
        with suppress(Refused):  # if SES's own event was faster, it knows better
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
                uncount(self.table, ref, ref.contact)

    def close(
        self, draft: Draft, status: MessageStatus, reason: str, journal: Journal, at: datetime
    ) -> None:
        decided = self._put(self._entry(draft, status, at, reason), _UNTOUCHED, _THROTTLED)
        written = journal_change(journal)
        operations = [decided]
        if written:
            own = {"Key": keys.enrollment(draft.enrollment), **self.table.change(**written)}
            operations.append({"Update": own})
        try:
            self.table.together(operations)
            if draft.remembered:  # it was claimed before, but the post was too busy for it
                uncount(self.table, draft.ref, draft.owner or draft.ref.contact)
        except Refused:
            if written:  # the decision was recorded by an earlier run; this run's findings were not
                self.table.update(keys.enrollment(draft.enrollment), **written)

    def report(self, ref: MessageRef, report: Report) -> Mapping[str, Any] | None:
        from milepost.sending.dynamodb.delivery_events import merge_report  # who sends needs none

        return merge_report(self.table, keys.message(ref), report)

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        return self.table.get(keys.message(ref))

    def fates(
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
            "expression": f"SET #status = :status, {noted} REMOVE {keys.NO_TIMER}, reason",
            "condition": f"attribute_exists(pk) AND NOT {_FINAL}",
            "names": {"#status": "status"},
            "values": {":status": "accepted", **values},
        }
        try:
            self.table.update(keys.message(ref), **plain)
        except Refused:
            with suppress(Refused):
                self.table.update(
                    keys.message(ref), expression=f"SET {noted}", condition=_FINAL, values=values
                )

    def _entry(
        self,
        draft: Draft,
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
            "turn": draft.turn,
            "variant": draft.variant or None,
            "category": draft.category,
            "topic": draft.topic,
            "template": draft.template,
            "template_hash": draft.template_hash or None,
            "recipient": address_hash(draft.recipient) if draft.recipient else None,
            "numbers": dict(draft.numbers),
            "decided_at": instants.show(at),
            "attempts": attempts,
            "run_bucket": keys.run_bucket(ref.store, enrollment.workflow, keys.shard(ref.contact)),
            "run_sort": f"MESSAGE#{draft.step}#{ref.id}",
        }
        if status == "claimed":
            entry |= self._timer(ref, at, UNCONFIRMED_FOR)
        return keys.message(ref) | pack(entry)

    def _timer(self, ref: MessageRef, at: datetime, wait: timedelta) -> dict[str, str]:
        due = self.to_wire(at) + wait
        return {
            "kind": "message",
            "timer_bucket": keys.timer_bucket(due, keys.shard(ref.contact)),
            "timer_due": instants.show(due),
        }

    def _put(
        self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        request = self.table.change("", condition, {"#status": "status"}, values)
        return {"Put": {"Item": item, **request}}

    def _together(
        self,
        draft: Draft,
        claim: Mapping[str, Any],
        journal: Journal,
        at: datetime,
        only_active: bool,
    ) -> Claimed | NotClaimed:
        table, ref = self.table, draft.ref
        suppressed = keys.suppression(ref.store, address_hash(draft.recipient))
        open_to = table.change("", "attribute_not_exists(pk)")
        if (
            draft.category == "transactional"
        ):  # who was erased and orders anew gets what concerns it
            open_to = table.change(
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
            profile_operation(table, draft, at),
        ]
        if only_active:
            operations.append(_enrollment_operation(table, draft, journal))
        try:
            table.together(operations)
        except Refused as refused:
            return _why_not(refused, draft)
        return Claimed()


def _enrollment_operation(table: Table, draft: Draft, journal: Journal) -> dict[str, Any]:
    change = journal_change(journal)
    names = {**change.get("names", {}), "#status": "status"}
    values = {**change.get("values", {}), ":active": "active"}
    held = "#status = :active AND attribute_not_exists(leg)"
    if draft.leg:
        held, values[":leg"] = "#status = :active AND leg = :leg", draft.leg
    request = table.change(change.get("expression", ""), held, names, values)
    key = keys.enrollment(draft.enrollment)
    return {"Update" if change else "ConditionCheck": {"Key": key, **request}}


def _why_not(refused: Refused, draft: Draft) -> NotClaimed:
    message, suppressed, profile, *enrollment = zip(refused.failed, refused.items, strict=True)
    if message[0]:
        held = message[1]
        return NotClaimed("decided before", held["status"] if held else "claimed")
    if enrollment and enrollment[0][0]:
        held = enrollment[0][1] or {}
        if held.get("status") == "active":
            raise Busy("the enrollment goes on in another execution")
        return NotClaimed(f"enrollment is {held.get('status', 'gone')}", ended=True)
    if suppressed[0]:
        held = suppressed[1] or {}
        return NotClaimed(f"suppressed: {held.get('reason', 'unknown')}")
    if (profile[1] or {}).get("email") != draft.recipient:
        raise Busy("the contact's address changed while its mail was made")
    if granted(profile[1] or {}, draft):
        raise Busy("another mail to the contact was claimed while this one was made")
    return NotClaimed("consent withdrawn")
