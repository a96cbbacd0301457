"""What has been set going for everybody inside a workflow, until it is done."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.aws import keys
from milepost.aws.table import Refused, Table
from milepost.base import instants
from milepost.runtime.jobs import Work


@dataclass(frozen=True, slots=True)
class DynamoWorks:
    """Implements `Works`, in the workflows table."""

    table: Table

    def open(self) -> list[Work]:
        items = self.table.query(
            KeyConditionExpression="pk = :works", ConsistentRead=True, values={":works": keys.WORKS}
        )
        return [
            Work(
                item["kind"], item["store"], item["workflow"], instants.parse(item["at"]),
                int(item["version"]), item["done"],
            )
            for item in items
        ]  # fmt: skip

    def advance(self, work: Work, done: str) -> None:
        with suppress(Refused):
            self.table.update(
                work_key(work),
                expression="SET done = :done",
                condition="#at = :at",
                names={"#at": "at"},
                values={":at": _at(work), ":done": done},
            )

    def again(self, work: Work, at: datetime) -> None:
        with suppress(Refused):
            self.table.update(
                work_key(work),
                expression="SET #at = :next, done = :nothing",
                condition="#at = :at",
                names={"#at": "at"},
                values={":at": _at(work), ":next": instants.show(at), ":nothing": ""},
            )

    def close(self, work: Work) -> None:
        with suppress(Refused):
            self.table.delete_if(work_key(work), "#at = :at", {"#at": "at"}, {":at": _at(work)})


def work_key(work: Work) -> dict[str, Any]:
    return keys.work(f"{work.kind}#{work.store}#{work.workflow}")


def work_value(work: Work) -> dict[str, Any]:
    return {**work._asdict(), "at": _at(work)}


def _at(work: Work) -> str:
    return instants.show(work.at)
