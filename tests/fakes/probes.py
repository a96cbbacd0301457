"""Delivery events of the doctor's test mails, in memory."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MemoryProbes:
    """Implements `ProbeNotes`."""

    notes: dict[str, set[str]] = field(default_factory=dict)

    def record_report(self, probe: str, kind: str, now: datetime) -> None:
        self.notes.setdefault(probe, set()).add(kind)

    def reports(self, probe: str) -> list[str]:
        return sorted(self.notes.get(probe, ()))
