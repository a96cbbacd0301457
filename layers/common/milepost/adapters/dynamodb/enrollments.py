"""Enrollments, and the rendezvous of a wait with its event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from milepost.adapters.dynamodb import keys
from milepost.adapters.dynamodb.journal import journal_change
from milepost.adapters.dynamodb.profiles import INSIDE, profile_from_item
from milepost.adapters.dynamodb.table import Refused, Table, pack
from milepost.domain import instants
from milepost.domain.contacts import Profile
from milepost.domain.enrollments import Enrollment, Status
from milepost.domain.events import Event
from milepost.domain.refs import EnrollmentRef
from milepost.ports import Journal


@dataclass(frozen=True, slots=True)
class DynamoEnrollments:
    """Implements `Enrollments`."""

    table: Table
    retention: timedelta

    def enroll(self, enrollment: Enrollment) -> bool:
        # The event's data lies apart: every later write of an enrollment is paid by its size.
        fresh = self.table.put_new(_trigger(enrollment))
        kept = self.table.put_new(_item(enrollment))
        if kept and not fresh:  # data of an event that never got as far as its enrollment
            self.table.put(_trigger(enrollment))
        return kept

    def load(self, ref: EnrollmentRef) -> tuple[Profile, Enrollment] | None:
        own, trigger = keys.enrollment(ref), keys.trigger(ref)
        wanted = [own, trigger, keys.profile(ref.store, ref.contact)]
        found = {item["sk"]: item for item in self.table.get_many(wanted)}
        item = found.get(own["sk"]["S"])
        if item is None:
            return None
        known = profile_from_item(ref.store, ref.contact, found.get("PROFILE", {}))
        return known, _enrollment(ref, item, found[trigger["sk"]["S"]])

    def write(self, ref: EnrollmentRef, journal: Journal) -> None:
        change = journal_change(journal)
        if change:
            self.table.update(keys.enrollment(ref), **change)

    def finish(self, ref: EnrollmentRef, status: Status, reason: str, at: datetime) -> bool:
        first = True
        try:
            self.table.update(
                keys.enrollment(ref),
                expression="SET #status = :status, reason = :reason, ended_at = :at, "
                "run_sort = :run",
                condition="#status = :active",
                names={"#status": "status"},
                values={
                    ":status": status,
                    ":active": "active",
                    ":reason": reason,
                    ":at": instants.show(at),
                    ":run": _run_sort(status, ref),
                },
            )
        except Refused:
            first = False
        # Also after an earlier finish: it may have been cut off before it came to this.
        self.table.update(
            keys.profile(ref.store, ref.contact),
            expression="REMOVE #inside",
            names={"#inside": INSIDE + ref.id},
        )
        return first

    def offer_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | None:
        half = {
            "event": event.name,
            "at": instants.show(event.occurred_at),
            "data": json.dumps(event.data, ensure_ascii=False),
        }
        item = self._meet(ref, step, event.name, event.occurred_at, "event_half", half)
        token = item.get("token_half")
        if token is None or half["at"] < token["since"]:
            return None
        self._met(ref, step, half)
        return str(token["token"])

    def offer_token(
        self, ref: EnrollmentRef, step: str, event: str, token: str, since: datetime
    ) -> bool:
        half = {"token": token, "since": instants.show(since)}
        met = self._meet(ref, step, event, since, "token_half", half).get("event_half")
        if met is None or met["at"] < half["since"]:
            return False
        self._met(ref, step, met)
        return True

    def _meet(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        at: datetime,
        side: Literal["event_half", "token_half"],
        half: Mapping[str, str],
    ) -> Mapping[str, Any]:
        """Lay one half down and see both: whoever comes second sees the first."""
        condition = ""
        names: dict[str, str] = {"#side": side}
        values: dict[str, Any] = {":half": half, ":until": int((at + self.retention).timestamp())}
        if side == "event_half":
            # An event that arrives late must not hide a newer one, which the wait may count.
            condition = "attribute_not_exists(#side) OR #side.#at < :at"
            names["#at"], values[":at"] = "at", half["at"]
        try:
            return self.table.update(
                keys.wait(ref, event, step),
                expression="SET #side = :half, expires_at = :until",
                condition=condition,
                names=names,
                values=values,
            )
        except Refused as refused:
            return refused.items[0] or {}

    def _met(self, ref: EnrollmentRef, step: str, half: Mapping[str, str]) -> None:
        """Whoever sees both halves writes down what the wait came to, before anyone is woken."""
        data = json.loads(half["data"])
        outcome = {"event": half["event"], "at": half["at"], "data": data}
        self.write(ref, Journal(outcomes={step: outcome}))


def _run_sort(status: str, ref: EnrollmentRef) -> str:
    return f"ENROLLMENT#{status}#{ref.id}"


def _trigger(enrollment: Enrollment) -> dict[str, Any]:
    data = json.dumps(enrollment.event_data, ensure_ascii=False)
    return keys.trigger(enrollment.ref) | pack({"data": data})


def _item(enrollment: Enrollment) -> dict[str, Any]:
    ref = enrollment.ref
    return keys.enrollment(ref) | pack(
        {
            "store": ref.store,
            "workflow": ref.workflow,
            "version": ref.version,
            "machine": enrollment.machine,
            "key": enrollment.key or None,
            "status": enrollment.status,
            "event_id": enrollment.event_id,
            "event_name": enrollment.event_name,
            "since": instants.show(enrollment.since),
            "entered_at": instants.show(enrollment.entered_at),
            "run_bucket": keys.run_bucket(ref.store, ref.workflow, keys.shard(ref.contact)),
            "run_sort": _run_sort(enrollment.status, ref),
        }
    )


def _enrollment(
    ref: EnrollmentRef, item: Mapping[str, Any], trigger: Mapping[str, Any]
) -> Enrollment:
    return Enrollment(
        ref=EnrollmentRef(ref.store, ref.contact, ref.workflow, int(item["version"]), ref.id),
        event_id=item["event_id"],
        event_name=item["event_name"],
        event_data=json.loads(trigger["data"]),
        since=instants.parse(item["since"]),
        entered_at=instants.parse(item["entered_at"]),
        key=item.get("key", ""),
        machine=item["machine"],
        status=item["status"],
        reason=item.get("reason", ""),
        began={
            name.removeprefix("began:"): instants.parse(at)
            for name, at in item.items()
            if name.startswith("began:")
        },
        outcomes={
            name.removeprefix("outcome:"): json.loads(outcome)
            for name, outcome in item.items()
            if name.startswith("outcome:")
        },
    )
