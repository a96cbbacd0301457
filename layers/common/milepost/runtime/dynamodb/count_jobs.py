"""The jobs of the nightly count, in the workflows table."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.base import times

if TYPE_CHECKING:
    from milepost.runtime.jobs import CountJob


MAX_JOBS = 100
"""Jobs that one run reads."""


@dataclass(slots=True)
class DynamoCountJobs:
    """Implements `CountJobs`. Remembers which jobs it has queued for the coming night."""

    table: Table
    _due: datetime | None = None
    _marked: set[tuple[str, str]] = field(default_factory=set)

    def mark_moved(self, store: str, workflow: str, due: datetime) -> None:
        if due != self._due:
            self._due, self._marked = due, set()
        if (store, workflow) not in self._marked:
            item = {
                "due": times.format_instant(due),
                "store": store,
                "workflow": workflow,
                "done": "",
            }
            self.table.put_new(keys.count_job(due, store, workflow) | pack(item))
            self._marked.add((store, workflow))

    def due(self, now: datetime) -> "list[CountJob]":
        from milepost.runtime.jobs import CountJob  # functions that only queue jobs need none

        items, _ = self.table.page(
            None,
            KeyConditionExpression="pk = :counts AND sk < :now",
            ConsistentRead=True,
            Limit=MAX_JOBS,
            values={":counts": keys.COUNTS, ":now": times.format_instant(now)},
        )
        return [
            CountJob(
                times.parse_instant(item["due"]), item["store"], item["workflow"], item["done"]
            )
            for item in items
        ]

    def advance(self, job: "CountJob", done: str) -> bool:
        try:
            self.table.update(
                keys.count_job(*job[:3]),
                expression="SET done = :done",
                condition="done = :before",
                values={":done": done, ":before": job.done},
            )
        except ConditionFailedError:
            return False
        return True

    def put_off(self, job: "CountJob", due: datetime) -> None:
        # Put before remove: a crash in between leaves two jobs, so the workflow is counted twice.
        item = job._replace(due=due)._asdict() | {"due": times.format_instant(due)}
        self.table.put_new(keys.count_job(due, job.store, job.workflow) | pack(item))
        self._remove(job)

    def close(self, job: "CountJob", started_at: datetime) -> None:
        key = keys.counted(job.store, job.workflow)
        self.table.put(key | pack({"started_at": times.format_instant(started_at)}))
        self._remove(job)

    def last_started(self, store: str, workflow: str) -> datetime | None:
        item = self.table.get(keys.counted(store, workflow))
        return times.parse_instant(item["started_at"]) if item else None

    def _remove(self, job: "CountJob") -> None:
        with suppress(ConditionFailedError):  # another run has continued it
            key = keys.count_job(*job[:3])
            self.table.delete_if(key, "done = :done", {}, {":done": job.done})
