"""The queue of background jobs, in the workflows table."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table
from milepost.base import times
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
                times.parse_instant(item["at"]),
                int(item["version"]),
                item["done"],
            )
            for item in items
        ]

    def advance(self, job: Job, done: str) -> None:
        self._update(job, "SET done = :done", {":done": done})

    def reopen(self, job: Job, at: datetime) -> None:
        values = {":next": times.format_instant(at), ":nothing": ""}
        self._update(job, "SET #at = :next, done = :nothing", values)

    def close(self, job: Job) -> None:
        with suppress(ConditionFailedError):
            self.table.delete_if(job_key(job), "#at = :at", {"#at": "at"}, {":at": _at(job)})

    def _update(self, job: Job, expression: str, values: dict[str, str]) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                job_key(job),
                expression=expression,
                condition="#at = :at",
                names={"#at": "at"},
                values={":at": _at(job), **values},
            )


def job_key(job: Job) -> dict[str, Any]:
    return keys.job(f"{job.kind}#{job.store}#{job.workflow}")


def job_value(job: Job) -> dict[str, Any]:
    return {**job._asdict(), "at": _at(job)}


def _at(job: Job) -> str:
    return times.format_instant(job.at)
