"""The progress of backfills, in the workflows table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.aws import keys
from milepost.aws.table import Table, pack
from milepost.base import times
from milepost.runtime.ports import BackfillSummary, PartitionProgress

RUN = "BACKFILL#"
PART = "BACKFILLPART#"


@dataclass(frozen=True, slots=True)
class DynamoBackfillProgress:
    """Implements `BackfillProgress`."""

    table: Table

    def begin(self, store: str, run: str, what: Sequence[str], of: int, at: datetime) -> None:
        for each in what:
            key = keys.store_item(store, RUN + each)
            self.table.put(key | pack({"run": run, "at": times.format_instant(at), "of": of}))

    def part(self, store: str, run: str, part: str) -> PartitionProgress:
        item = self.table.get(keys.store_item(store, f"{PART}{run}#{part}"))
        return _part(item) if item else PartitionProgress()

    def note(self, store: str, run: str, part: str, progress: PartitionProgress) -> None:
        key = keys.store_item(store, f"{PART}{run}#{part}")
        self.table.put(key | pack(progress._asdict()))

    def looked(self, store: str, what: str) -> BackfillSummary | None:
        run = self.table.get(keys.store_item(store, RUN + what))
        if run is None:
            return None
        prefix = f"{PART}{run['run']}#"
        items = self.table.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            values={":pk": f"S#{store}", ":prefix": prefix},
        )
        parts = {item["sk"].removeprefix(prefix): _part(item) for item in items}
        return BackfillSummary(run["run"], run["at"], parts, int(run["of"]))


def _part(item: Mapping[str, Any]) -> PartitionProgress:
    return PartitionProgress(
        item["cursor"], int(item["evaluated"]), int(item["changed"]), item["done"]
    )
