"""Counters of what may not happen too often; they expire by themselves."""

from dataclasses import dataclass

from milepost.aws import keys
from milepost.aws.table import Table
from milepost.pages.visitor_limits import VisitCounter


@dataclass(frozen=True, slots=True)
class DynamoVisitorLimits:
    """Implements `Limits`. TTL removes a counter within days; its key is of one window alone."""

    table: Table

    def count(self, counter: VisitCounter, number: int = 1) -> int:
        item = self.table.update(
            keys.visitor_limit(counter.store, counter.key),
            expression="SET expires_at = :until ADD #number :number",
            names={"#number": "number"},
            values={":until": int(counter.until.timestamp()), ":number": number},
        )
        return int(item["number"])
