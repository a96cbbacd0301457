"""The delivery events of probes, in the contacts table but under no contact."""

from dataclasses import dataclass
from datetime import datetime

from milepost.aws import keys
from milepost.aws.table import Table
from milepost.sending.probes import RETENTION


@dataclass(frozen=True, slots=True)
class DynamoProbes:
    """Implements `ProbeNotes`. TTL removes them within days."""

    table: Table

    def record_report(self, probe: str, kind: str, now: datetime) -> None:
        self.table.update(
            keys.probe(probe),
            expression="SET expires_at = :until ADD reports :kinds",
            values={":until": int((now + RETENTION).timestamp()), ":kinds": {kind}},
        )

    def reports(self, probe: str) -> list[str]:
        item = self.table.get(keys.probe(probe)) or {}
        return sorted(item.get("reports", ()))
