"""A broadcast: one round of a schedule through a segment, and how far it has come."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from milepost.domain import instants
from milepost.domain.event_names import SCHEDULE
from milepost.domain.events import Event


class Progress(NamedTuple):
    """How far a round has come: the place of the last who was told, how many, of how many."""

    after: str = ""
    told: int = 0
    total: int = 0

    @classmethod
    def read(cls, text: str) -> "Progress | None":
        """Undo `text`; None for a round that has not begun."""
        return cls(*json.loads(text)) if text else None

    def text(self) -> str:
        return json.dumps(self)

    def further(self, told: int, after: str) -> "Progress":
        return Progress(after, self.told + told, self.total)


class Round(NamedTuple):
    """One coming of a schedule."""

    store: str
    occasion: str
    segment: str
    at: datetime

    def event(self) -> Event:
        """What everybody in the segment is told; the same however often it is told."""
        mark = instants.show(self.at)
        return Event(
            store=self.store,
            id="b" + sha256(f"{self.occasion}\n{mark}".encode()).hexdigest()[:31],
            name=SCHEDULE,
            occurred_at=self.at,
            source="clock",
            identifiers={},
            data={"occasion": self.occasion, "mark": mark, "segment": self.segment},
        )


def report_path(workflow: str) -> str:
    """Where it is told how far a workflow's broadcast has come."""
    return f"reports/workflows.{workflow}.broadcast.json"


def as_report(
    workflow: str,
    trigger: Mapping[str, Any],
    planned: datetime,
    progress: Progress,
    how: str,
    following: datetime | None,
    now: datetime,
) -> str:
    total = max(progress.total, progress.told)
    document = {
        "workflow": workflow,
        "segment": trigger["segment"],
        "planned": instants.show(planned),
        "state": how,
        "told": progress.told,
        "of": total,
        "percent": round(100 * progress.told / total, 1) if total else 100.0,
        "at": instants.show(now),
        "next": instants.show(following) if following else None,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
