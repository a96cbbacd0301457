"""The progress of backfills, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from milepost.base import times
from milepost.runtime.ports import BackfillSummary, PartitionProgress


@dataclass(frozen=True, slots=True)
class MemoryBackfillProgress:
    """Implements `BackfillProgress`."""

    runs: dict[tuple[str, str], BackfillSummary] = field(default_factory=dict)
    parts: dict[tuple[str, str], dict[str, PartitionProgress]] = field(default_factory=dict)

    def begin(self, store: str, run: str, what: Sequence[str], of: int, at: datetime) -> None:
        for each in what:
            self.runs[store, each] = BackfillSummary(run, times.format_instant(at), of=of)

    def part(self, store: str, run: str, part: str) -> PartitionProgress:
        return self.parts.get((store, run), {}).get(part, PartitionProgress())

    def note(self, store: str, run: str, part: str, progress: PartitionProgress) -> None:
        self.parts.setdefault((store, run), {})[part] = progress

    def looked(self, store: str, what: str) -> BackfillSummary | None:
        held = self.runs.get((store, what))
        return held and held._replace(parts=dict(self.parts.get((store, held.run), {})))
