"""Enrollments, and the rendezvous of a wait with its event.

A journal as an update of its enrollment: what is written stays, whoever writes it again.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table
from milepost.base import instants
from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
from milepost.contacts.dynamodb.profile_item import ACTIVE_ENROLLMENTS, profile_from_item
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.enrollments.dynamodb.enrollment_item import (
    ACTIVE_RUNS,
    NO_TRIGGER,
    enrollment_from_item,
    enrollment_item,
    pending_outcomes_update,
    resume_point_value,
    run_sort,
    trigger_item,
)
from milepost.enrollments.enrollment import Enrollment, ResumePoint, Status
from milepost.enrollments.ports import PendingOutcomes


@dataclass(frozen=True, slots=True)
class DynamoEnrollments:
    """Implements `Enrollments`. `to_wire` turns a business instant into a real one, for timers."""

    table: Table
    retention: timedelta
    to_wire: Callable[[datetime], datetime] = lambda instant: instant

    def enroll(self, enrollment: Enrollment) -> bool:
        # The event's data lies apart: every later write of an enrollment is paid by its size.
        fresh = self.table.put_new(trigger_item(enrollment))
        kept = self.table.put_new(enrollment_item(enrollment))
        if kept and not fresh:  # data of an event that never got as far as its enrollment
            self.table.put(trigger_item(enrollment))
        return kept

    def load(self, ref: EnrollmentRef) -> tuple[Profile, Enrollment] | None:
        own, trigger = keys.enrollment(ref), keys.trigger(ref)
        wanted = [own, trigger, keys.profile(ref.store, ref.contact)]
        found = {item["sk"]: item for item in self.table.get_many(wanted)}
        item = found.get(own["sk"]["S"])
        if item is None:
            return None
        known = profile_from_item(ref.store, ref.contact, found.get("PROFILE", {}))
        while known.merged_into:
            key = keys.profile(ref.store, known.merged_into)
            known = profile_from_item(ref.store, known.merged_into, self.table.get(key) or {})
        return known, enrollment_from_item(ref, item, found.get(trigger["sk"]["S"], NO_TRIGGER))

    def write(self, ref: EnrollmentRef, journal: PendingOutcomes, leg: int | None = None) -> None:
        change = pending_outcomes_update(journal)
        if not change:
            return
        change["condition"] = "attribute_exists(pk)"
        if leg is not None:
            change["condition"] += (
                " AND execution_no = :execution"
                if leg
                else " AND attribute_not_exists(execution_no)"
            )
            change["values"] |= {":execution": leg} if leg else {}
        try:
            self.table.update(keys.enrollment(ref), **change)
        except ConditionFailedError as refused:
            if refused.items[0] is None:
                return  # its contact was erased meanwhile
            raise ThrottledError("the enrollment goes on in another execution") from refused

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        leg: int | None = None,
    ) -> bool:
        first, held, asked = True, "#status = :active", {}
        if leg is not None:
            held += (
                " AND execution_no = :execution"
                if leg
                else " AND attribute_not_exists(execution_no)"
            )
            asked = {":execution": leg} if leg else {}
        try:
            self.table.update(
                keys.enrollment(ref),
                expression="SET #status = :status, reason = :reason, ended_at = :at, "
                "run_sort = :run REMOVE timer_bucket, timer_due",
                condition=held,
                names={"#status": "status"},
                values={
                    **asked,
                    ":status": status,
                    ":active": "active",
                    ":reason": reason,
                    ":at": instants.format_instant(at),
                    ":run": run_sort(status, ref),
                },
            )
        except ConditionFailedError as refused:
            first = False
            if (refused.items[0] or {}).get("status") == "active":
                return False
        # Also after an earlier finish: it may have been cut off before it came to this.
        contact = ref.contact
        with suppress(ConditionFailedError):
            while contact:
                item = self.table.update(
                    keys.profile(ref.store, contact),
                    expression="REMOVE #enrollment",
                    condition="attribute_exists(pk)",
                    names={"#enrollment": ACTIVE_ENROLLMENTS + ref.id},
                )
                contact = item.get("merged_into", "")
        return first

    def current_execution(self, ref: EnrollmentRef) -> int:
        item = self.table.get(keys.enrollment(ref)) or {}
        return int(item.get("execution_no", 0))

    def suspend(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        journal: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        held = "execution_no = :execution" if leg else "attribute_not_exists(execution_no)"
        change = _merged(pending_outcomes_update(journal), held, {":execution": leg} if leg else {})
        return self._set(ref, leg + 1, start, paused, change)

    def reschedule(
        self, ref: EnrollmentRef, leg: int, start: ResumePoint, paused: bool = False
    ) -> bool:
        held = "execution_no = :next AND attribute_exists(timer_bucket)"
        return self._set(ref, leg, start, paused, _merged({}, held, {}))

    def migrate(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        version: int,
        unless: str = "",
        paused: bool = False,
    ) -> bool:
        held = "execution_no = :execution" if leg else "attribute_not_exists(execution_no)"
        held += " AND attribute_not_exists(#block)"
        names = {"#block": f"block_started:{start.block_seq}", "#version": "version"}
        if unless:
            held += " AND attribute_not_exists(#unless)"
            names["#unless"] = f"outcome:{unless}"
        change = _merged({}, held, {":execution": leg} if leg else {})
        change["expression"] += "#version = :version, "
        change["names"] = names
        change["values"][":version"] = version
        if version != ref.version:
            change["expression"] += "first_block_run = :first, "
            change["values"][":first"] = start.block_seq
        return self._set(ref, leg + 1, start, paused, change)

    def index_migrated(self, ref: EnrollmentRef, version: int) -> None:
        contact = ref.contact
        while contact:
            try:
                self.table.update(
                    keys.profile(ref.store, contact),
                    expression="SET #enrollment.#version = :version ADD moved_events :one",
                    condition="attribute_exists(#enrollment)",
                    names={"#enrollment": ACTIVE_ENROLLMENTS + ref.id, "#version": "version"},
                    values={":version": version, ":one": 1},
                )
                return
            except ConditionFailedError as refused:
                contact = (refused.items[0] or {}).get("merged_into", "")

    def list_active(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        shard, _, last = after.partition(" ")
        for number in range(int(shard or 0), keys.SHARDS):
            first = last if str(number) == shard and last else ACTIVE_RUNS
            for item in self.table.query(
                IndexName="runs",
                KeyConditionExpression="run_bucket = :bucket AND run_sort BETWEEN :first AND :last",
                values={
                    ":bucket": keys.run_bucket(store, workflow, number),
                    ":first": first,
                    ":last": ACTIVE_RUNS + "~",
                },
            ):
                place = f"{number} {item['run_sort']}"
                if place != after:
                    ref = keys.enrollment_of(*keys.owner(item["pk"]), item["sk"])
                    yield place, ref._replace(version=int(item["version"]))

    def mark_started(self, ref: EnrollmentRef, leg: int) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                keys.enrollment(ref),
                expression="REMOVE timer_bucket, timer_due",
                condition="execution_no = :execution",
                values={":execution": leg},
            )

    def _set(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        paused: bool,
        change: Mapping[str, Any],
    ) -> bool:
        """Set the time of a leg, which the index of due times then shows."""
        due, shard = self.to_wire(start.due), keys.shard(ref.contact)
        waiting = keys.paused_bucket(ref.store, ref.workflow, shard)
        try:
            self.table.update(
                keys.enrollment(ref),
                expression=f"{change['expression']}"
                "execution_no = :next, #resume = :resume, timer_bucket = :bucket, timer_due = :due",
                condition=f"#status = :active AND {change['condition']}",
                names={**change["names"], "#status": "status", "#resume": "resume_point"},
                values={
                    **change["values"],
                    ":next": leg,
                    ":resume": resume_point_value(start),
                    ":bucket": waiting if paused else keys.timer_bucket(due, shard),
                    ":due": instants.format_instant(due),
                    ":active": "active",
                },
            )
        except ConditionFailedError:
            return False
        return True

    def record_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | int | None:
        half = {
            "event": event.name,
            "at": instants.format_instant(event.occurred_at),
            "data": json.dumps(event.data, ensure_ascii=False),
        }
        item = self._meet(ref, step, event.name, event.occurred_at, "recorded_event", half)
        token = item.get("registered_wait")
        if token is None or half["at"] < token["since"]:
            return None
        self._met(ref, token["outcome"], half)
        return str(token["token"]) or int(token["execution_no"])

    def register_wait(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        token: str,
        since: datetime,
        outcome: str = "",
        leg: int = 0,
    ) -> bool:
        half = {
            "token": token,
            "execution_no": leg,
            "since": instants.format_instant(since),
            "outcome": outcome or step,
        }
        return self._offer_wait(ref, step, event, half, since)

    def register_suspended_wait(
        self, ref: EnrollmentRef, step: str, event: str, leg: int, start: ResumePoint, outcome: str
    ) -> bool:
        since = instants.format_instant(start.since)
        half = {"token": "", "execution_no": leg, "since": since, "outcome": outcome}
        return self._offer_wait(ref, step, event, half, start.due)

    def _offer_wait(
        self, ref: EnrollmentRef, step: str, event: str, half: Mapping[str, Any], last: datetime
    ) -> bool:
        item = self._meet(ref, step, event, last, "registered_wait", half)
        met, mine = (
            item.get("recorded_event"),
            item["registered_wait"]["execution_no"] == half["execution_no"],
        )
        if met is None or not mine or met["at"] < half["since"]:
            return False
        self._met(ref, half["outcome"], met)
        return True

    def _meet(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        at: datetime,
        side: Literal["recorded_event", "registered_wait"],
        half: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Lay one half down and see both: whoever comes second sees the first.

        `at` is when that half is of no use any more, before the retention. A wait's half is kept as
        long as it asks for, whenever its event was.
        """
        names: dict[str, str] = {"#side": side}
        values: dict[str, Any] = {":half": half, ":until": int((at + self.retention).timestamp())}
        if side == "recorded_event":
            # An event that arrives late must not hide a newer one, which the wait may count.
            condition = "attribute_not_exists(#side) OR #side.#at < :at"
            names["#at"], values[":at"] = "at", half["at"]
            kept = "expires_at = if_not_exists(kept_until, :until)"
        else:
            condition = "attribute_not_exists(#side) OR #side.#execution <= :execution"
            names["#execution"], values[":execution"] = "execution_no", half["execution_no"]
            kept = "expires_at = :until, kept_until = :until"
        try:
            return self.table.update(
                keys.wait(ref, event, step),
                expression=f"SET #side = :half, {kept}",
                condition=condition,
                names=names,
                values=values,
            )
        except ConditionFailedError as refused:
            return refused.items[0] or {}

    def _met(self, ref: EnrollmentRef, key: str, half: Mapping[str, str]) -> None:
        """Whoever sees both halves writes down what the wait came to, before anyone is woken."""
        data = json.loads(half["data"])
        outcome = {"event": half["event"], "at": half["at"], "data": data}
        self.write(ref, PendingOutcomes(outcomes={key: outcome}))


def _merged(
    written: Mapping[str, Any], condition: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """A journal's change, if there is one, to which more will be set, under a condition."""
    return {
        "expression": f"{written['expression']}, " if written else "SET ",
        "condition": condition,
        "names": written.get("names", {}),
        "values": {**written.get("values", {}), **values},
    }
