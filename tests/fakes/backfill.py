"""How far the looks at all contacts are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from milepost.base import instants
from milepost.runtime.ports import Looked, Part


@dataclass(frozen=True, slots=True)
class MemoryProgress:
    """Implements `Progress`."""

    runs: dict[tuple[str, str], Looked] = field(default_factory=dict)
    parts: dict[tuple[str, str], dict[str, Part]] = field(default_factory=dict)

    def begin(self, store: str, run: str, what: Sequence[str], of: int, at: datetime) -> None:
        for each in what:
            self.runs[store, each] = Looked(run, instants.show(at), of=of)

    def part(self, store: str, run: str, part: str) -> Part:
        return self.parts.get((store, run), {}).get(part, Part())

    def note(self, store: str, run: str, part: str, progress: Part) -> None:
        self.parts.setdefault((store, run), {})[part] = progress

    def looked(self, store: str, what: str) -> Looked | None:
        held = self.runs.get((store, what))
        return held and held._replace(parts=dict(self.parts.get((store, held.run), {})))
