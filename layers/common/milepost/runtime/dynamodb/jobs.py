"""The queue of background jobs, in the workflows table."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table
from milepost.base import instants
from milepost.runtime.jobs import Job


@dataclass(frozen=True, slots=True)
class DynamoJobs:
    """Implements `JobStore`."""

    table: Table

    def open(self) -> list[Job]:
        items = self.table.query(
            KeyConditionExpression="pk = :jobs", ConsistentRead=True, values={":jobs": keys.JOBS}
        )
        return [
            Job(
                item["kind"],
                item["store"],
                item["workflow"],
                instants.parse_instant(item["at"]),
                int(item["version"]),
                item["done"],
            )
            for item in items
        ]

    def advance(self, work: Job, done: str) -> None:
        self._update(work, "SET done = :done", {":done": done})

    def reopen(self, work: Job, at: datetime) -> None:
        values = {":next": instants.format_instant(at), ":nothing": ""}
        self._update(work, "SET #at = :next, done = :nothing", values)

    def close(self, work: Job) -> None:
        with suppress(ConditionFailedError):
            self.table.delete_if(job_key(work), "#at = :at", {"#at": "at"}, {":at": _at(work)})

    def _update(self, work: Job, expression: str, values: dict[str, str]) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                job_key(work),
                expression=expression,
                condition="#at = :at",
                names={"#at": "at"},
                values={":at": _at(work), **values},
            )


def job_key(work: Job) -> dict[str, Any]:
    return keys.job(f"{work.kind}#{work.store}#{work.workflow}")


def job_value(work: Job) -> dict[str, Any]:
    return {**work._asdict(), "at": _at(work)}


def _at(work: Job) -> str:
    return instants.format_instant(work.at)
