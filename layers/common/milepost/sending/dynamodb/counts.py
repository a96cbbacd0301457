"""Read the index of runs: every enrollment and message of one workflow, and nothing else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from milepost.aws import keys
from milepost.aws.table import Table
from milepost.base import times
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.enrollments.dynamodb.enrollment_item import enrollment_from_item
from milepost.enrollments.enrollment import Enrollment
from milepost.sending.counts import Alarm, WorkflowCounts, count_outcomes
from milepost.sending.ports import RunEntry

_KEY = ("run_bucket", "run_sort", "pk", "sk")


@dataclass(frozen=True, slots=True)
class DynamoRuns:
    """Implements `Runs`. The index is about a second behind the table."""

    table: Table

    def page(
        self, store: str, workflow: str, after: str, most: int
    ) -> tuple[Sequence[RunEntry], str]:
        number, key = json.loads(after) if after else (0, None)
        items, last = self.table.page(
            key and dict(zip(_KEY, ({"S": part} for part in key), strict=True)),
            IndexName="runs",
            KeyConditionExpression="run_bucket = :bucket",
            values={":bucket": keys.run_bucket(store, workflow, number)},
            Limit=most,
        )
        entries = [_entry(item) for item in items]
        if last:
            return entries, json.dumps([number, [last[name]["S"] for name in _KEY]])
        return entries, json.dumps([number + 1, None]) if number + 1 < keys.SHARDS else ""

    def enrollments(self, refs: Sequence[EnrollmentRef]) -> list[Enrollment]:
        items = self.table.get_many([keys.enrollment(ref) for ref in refs], consistent=False)
        found = []
        for item in items:
            ref = keys.enrollment_of(*keys.owner(item["pk"]), item["sk"])
            found.append(enrollment_from_item(ref, item, {"data": "{}"}))
        return found

    def decided(
        self, messages: Mapping[MessageRef, tuple[str, str]], exact: bool
    ) -> set[MessageRef]:
        items = self.table.get_many([keys.message(ref) for ref in messages], consistent=exact)
        found = set()
        for item in items:
            ref = MessageRef(*keys.owner(item["pk"]), item["sk"].removeprefix("MESSAGE#"))
            workflow, step = messages[ref]
            bucket = keys.run_bucket(ref.store, workflow, keys.shard(ref.contact))
            index_key = bucket, f"MESSAGE#{step}#{ref.id}"
            if (item.get("run_bucket"), item.get("run_sort")) == index_key:
                found.add(ref)
        return found

    def was_erased(self, ref: EnrollmentRef) -> bool:
        enrollment = self.table.get(keys.enrollment(ref))
        erased = self.table.get(keys.erased(ref.store, ref.contact))
        if enrollment is None or erased is None:
            return enrollment is None
        return times.parse_instant(enrollment["entered_at"]) <= times.parse_instant(erased["at"])


def _entry(item: Mapping[str, Any]) -> RunEntry:
    store, contact = keys.owner(item["pk"])
    kind, _, name = item["sk"].partition("#")
    if kind == "MESSAGE":
        ref = MessageRef(store, contact, name)
        return RunEntry("MESSAGE", EnrollmentRef.of_message(ref, item), ref, item)
    enrollment = keys.enrollment_of(store, contact, item["sk"])
    return RunEntry("ENROLLMENT", enrollment, MessageRef(store, contact, ""), item)


def workflow_numbers(table: Table, store: str, workflow: str, alarm: Alarm) -> WorkflowCounts:
    """The results of a workflow so far, with delivery events, from its ledger alone."""
    return count_outcomes(_items(table, store, workflow), alarm)


def _items(table: Table, store: str, workflow: str) -> Iterator[Mapping[str, Any]]:
    for number in range(keys.SHARDS):
        yield from table.query(
            IndexName="runs",
            KeyConditionExpression="run_bucket = :bucket",
            values={":bucket": keys.run_bucket(store, workflow, number)},
        )
