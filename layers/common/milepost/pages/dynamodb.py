"""Counters for visitor rate limits; they expire by TTL."""

from dataclasses import dataclass

from milepost.aws import keys
from milepost.aws.table import Table
from milepost.pages.visitor_limits import VisitCounter


@dataclass(frozen=True, slots=True)
class DynamoVisitorLimits:
    """Implements `VisitorLimits`. TTL removes a counter within days; its key names one window."""

    table: Table

    def count(self, counter: VisitCounter, number: int = 1) -> int:
        item = self.table.update(
            keys.visitor_limit(counter.store, counter.key),
            expression="SET expires_at = :until ADD #number :number",
            names={"#number": "number"},
            values={":until": int(counter.until.timestamp()), ":number": number},
        )
        return int(item["number"])
