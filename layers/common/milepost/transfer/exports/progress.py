"""One export: its contents and its progress."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from milepost.base import times

Kind = Literal[
    "contacts", "events", "consents", "memberships", "enrollments", "messages", "identities",
    "suppressions",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Export(NamedTuple):
    """One export. `after` is the cursor of the next page, `parts` the number of files of each kind,
    `lines` the number of their lines; `call_no` grows with every save."""

    store: str
    id: str
    begun: datetime
    kinds: tuple[Kind, ...] = KINDS
    call_no: int = 0
    after: str = ""
    done: bool = False
    read: int = 0
    parts: Mapping[str, int] = {}
    lines: Mapping[str, int] = {}
    seconds: float = 0.0
    waits: int = 0
    touched: datetime | None = None
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        touched = times.format_instant(self.touched) if self.touched else None
        begun = times.format_instant(self.begun)
        return {**self._asdict(), "begun": begun, "touched": touched, "kinds": [*self.kinds]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Export":
        begun, kinds = times.parse_instant(document["begun"]), tuple(document["kinds"])
        touched = times.parse_instant(document["touched"]) if document["touched"] else None
        return cls(**{**document, "begun": begun, "touched": touched, "kinds": kinds})


def folder(export_id: str) -> str:
    return f"exports/{export_id}"


def part_path(export_id: str, kind: str, number: int) -> str:
    return f"{folder(export_id)}/{kind}-{number:04d}.jsonl"


def report_path(export_id: str) -> str:
    """In the flat folder of all reports, so that no rule's pattern matches it."""
    return f"reports/exports.{export_id}.report.json"


def report(export: Export, now: datetime) -> dict[str, Any]:
    """The report of an export, without any exported data."""
    return {
        "export": export.id,
        "outcome": "refused" if export.problem else "finished" if export.done else "running",
        "problem": export.problem or None,
        "begun": times.format_instant(export.begun),
        "updated": times.format_instant(now),
        "items_read": export.read,
        "items_per_second": round(export.read / export.seconds) if export.seconds > 0.001 else 0,
        "lines": dict(export.lines),
        "files": [
            part_path(export.id, kind, number + 1)
            for kind in export.kinds
            for number in range(export.parts.get(kind, 0))
        ],
    }
