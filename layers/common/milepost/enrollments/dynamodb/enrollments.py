"""Enrollments, and the matching of waits with their events.

The first outcome that is written stays; later writes do not change it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table
from milepost.base import times
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
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
        # The event's data is a separate item: the size of an item determines the price of a write.
        fresh = self.table.put_new(trigger_item(enrollment))
        kept = self.table.put_new(enrollment_item(enrollment))
        if kept and not fresh:  # data of an attempt that crashed before it stored the enrollment
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

    def write(
        self, ref: EnrollmentRef, pending: PendingOutcomes, execution_no: int | None = None
    ) -> None:
        change = pending_outcomes_update(pending)
        if not change:
            return
        same_execution, values = _in_execution(execution_no)
        change["condition"] = f"attribute_exists(pk){same_execution}"
        change["values"] |= values
        try:
            self.table.update(keys.enrollment(ref), **change)
        except ConditionFailedError as refused:
            if refused.items[0] is None:
                return  # its contact was erased meanwhile
            raise ThrottledError("the enrollment continues in another execution") from refused

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        execution_no: int | None = None,
    ) -> bool:
        first, (same_execution, values) = True, _in_execution(execution_no)
        try:
            self.table.update(
                keys.enrollment(ref),
                expression="SET #status = :status, reason = :reason, ended_at = :at, "
                "run_sort = :run REMOVE timer_bucket, timer_due",
                condition=f"#status = :active{same_execution}",
                names={"#status": "status"},
                values={
                    **values,
                    ":status": status,
                    ":active": "active",
                    ":reason": reason,
                    ":at": times.format_instant(at),
                    ":run": run_sort(status, ref),
                },
            )
        except ConditionFailedError as refused:
            first = False
            if (refused.items[0] or {}).get("status") == "active":
                return False
        # Also after an earlier finish, which may have crashed before this.
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
        execution_no: int,
        start: ResumePoint,
        pending: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        change = _merged(pending_outcomes_update(pending), *_in_execution(execution_no))
        return self._set(ref, execution_no + 1, start, paused, change)

    def reschedule(
        self, ref: EnrollmentRef, execution_no: int, start: ResumePoint, paused: bool = False
    ) -> bool:
        not_started = " AND execution_no = :next AND attribute_exists(timer_bucket)"
        return self._set(ref, execution_no, start, paused, _merged({}, not_started, {}))

    def migrate(
        self,
        ref: EnrollmentRef,
        execution_no: int,
        start: ResumePoint,
        version: int,
        unless: str = "",
        paused: bool = False,
    ) -> bool:
        condition, values = _in_execution(execution_no)
        condition += " AND attribute_not_exists(#block)"
        names = {"#block": f"block_started:{start.block_seq}", "#version": "version"}
        if unless:
            condition += " AND attribute_not_exists(#unless)"
            names["#unless"] = f"outcome:{unless}"
        change = _merged({}, condition, values)
        change["expression"] += "#version = :version, "
        change["names"] = names
        change["values"][":version"] = version
        if version != ref.version:
            change["expression"] += "first_block_run = :first, "
            change["values"][":first"] = start.block_seq
        return self._set(ref, execution_no + 1, start, paused, change)

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

    def mark_started(self, ref: EnrollmentRef, execution_no: int) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                keys.enrollment(ref),
                expression="REMOVE timer_bucket, timer_due",
                condition="execution_no = :execution",
                values={":execution": execution_no},
            )

    def _set(
        self,
        ref: EnrollmentRef,
        execution_no: int,
        start: ResumePoint,
        paused: bool,
        change: Mapping[str, Any],
    ) -> bool:
        """Set the resume point and the timer of an execution."""
        due, shard = self.to_wire(start.due), keys.shard(ref.contact)
        waiting = keys.paused_bucket(ref.store, ref.workflow, shard)
        try:
            self.table.update(
                keys.enrollment(ref),
                expression=f"{change['expression']}"
                "execution_no = :next, #resume = :resume, timer_bucket = :bucket, timer_due = :due",
                condition=f"#status = :active{change['condition']}",
                names={**change["names"], "#status": "status", "#resume": "resume_point"},
                values={
                    **change["values"],
                    ":next": execution_no,
                    ":resume": resume_point_value(start),
                    ":bucket": waiting if paused else keys.timer_bucket(due, shard),
                    ":due": times.format_instant(due),
                    ":active": "active",
                },
            )
        except ConditionFailedError:
            return False
        return True

    def record_event(self, ref: EnrollmentRef, step: str, event: Event) -> str | int | None:
        entry = {
            "event": event.name,
            "at": times.format_instant(event.occurred_at),
            "data": json.dumps(event.data, ensure_ascii=False),
        }
        item = self._exchange(ref, step, event.name, event.occurred_at, "recorded_event", entry)
        token = item.get("registered_wait")
        if token is None or entry["at"] < token["since"]:
            return None
        self._save_match(ref, token["outcome"], entry)
        return str(token["token"]) or int(token["execution_no"])

    def register_wait(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        token: str,
        since: datetime,
        outcome: str = "",
        execution_no: int = 0,
    ) -> bool:
        entry = {
            "token": token,
            "execution_no": execution_no,
            "since": times.format_instant(since),
            "outcome": outcome or step,
        }
        return self._offer_wait(ref, step, event, entry, since)

    def register_suspended_wait(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        execution_no: int,
        start: ResumePoint,
        outcome: str,
    ) -> bool:
        since = times.format_instant(start.since)
        entry = {"token": "", "execution_no": execution_no, "since": since, "outcome": outcome}
        return self._offer_wait(ref, step, event, entry, start.due)

    def _offer_wait(
        self, ref: EnrollmentRef, step: str, event: str, entry: Mapping[str, Any], last: datetime
    ) -> bool:
        item = self._exchange(ref, step, event, last, "registered_wait", entry)
        recorded = item.get("recorded_event")
        own = item["registered_wait"]["execution_no"] == entry["execution_no"]
        if recorded is None or not own or recorded["at"] < entry["since"]:
            return False
        self._save_match(ref, entry["outcome"], recorded)
        return True

    def _exchange(
        self,
        ref: EnrollmentRef,
        step: str,
        event: str,
        at: datetime,
        side: Literal["recorded_event", "registered_wait"],
        entry: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Store one side and return both, so that the second writer sees the first side.

        The item expires a retention after `at`. A registered wait sets its own expiry, whenever
        its event was.
        """
        names: dict[str, str] = {"#side": side}
        values: dict[str, Any] = {":entry": entry, ":until": int((at + self.retention).timestamp())}
        if side == "recorded_event":
            # A late event must not hide a newer one, which the wait may count.
            condition = "attribute_not_exists(#side) OR #side.#at < :at"
            names["#at"], values[":at"] = "at", entry["at"]
            kept = "expires_at = if_not_exists(kept_until, :until)"
        else:
            condition = "attribute_not_exists(#side) OR #side.#execution <= :execution"
            names["#execution"], values[":execution"] = "execution_no", entry["execution_no"]
            kept = "expires_at = :until, kept_until = :until"
        try:
            return self.table.update(
                keys.wait(ref, event, step),
                expression=f"SET #side = :entry, {kept}",
                condition=condition,
                names=names,
                values=values,
            )
        except ConditionFailedError as refused:
            return refused.items[0] or {}

    def _save_match(self, ref: EnrollmentRef, key: str, entry: Mapping[str, str]) -> None:
        """Save the outcome of a matched wait, before the wait resumes."""
        data = json.loads(entry["data"])
        outcome = {"event": entry["event"], "at": entry["at"], "data": data}
        self.write(ref, PendingOutcomes(outcomes={key: outcome}))


def _in_execution(execution_no: int | None) -> tuple[str, dict[str, Any]]:
    """The condition, with its values, that an enrollment is in this execution (None: in any)."""
    if execution_no is None:
        return "", {}
    if execution_no == 0:
        return " AND attribute_not_exists(execution_no)", {}
    return " AND execution_no = :execution", {":execution": execution_no}


def _merged(
    written: Mapping[str, Any], condition: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The update of outcomes, if there are any, extended by a condition and values."""
    return {
        "expression": f"{written['expression']}, " if written else "SET ",
        "condition": condition,
        "names": written.get("names", {}),
        "values": {**written.get("values", {}), **values},
    }
