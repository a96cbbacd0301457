"""How far an import has come: all that the next function needs to go on where the last one was."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import instants
from milepost.base.problems import Problem
from milepost.transfer.imports.plan import Plan
from milepost.transfer.ports import FileVersion

Phase = Literal[
    "checking", "importing", "stopping", "undoing",
    "checked", "imported", "undone", "refused", "broken",
]  # fmt: skip
"""The first four go on; `stopping` is between an import and taking it back before it was done.
A `broken` one ended before its file did."""

RUNNING_PHASES: frozenset[Phase] = frozenset({"checking", "importing", "stopping", "undoing"})

ERRORS_A_FILE = 2_500
"""Lines of one file of mistakes. It is read and written whole, and read up to a megabyte."""


class Counts(NamedTuple):
    """What became of the rows; `rows` is the sum of the five after it.

    `withdrawn` are rows that withdraw a consent, `granted` cells that would raise one and do not,
    `formulas` cells that a spreadsheet would run and that are kept as text. `errors` counts
    mistakes, of which a row may have several.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    failed: int = 0
    errors: int = 0
    withdrawn: int = 0
    granted: int = 0
    formulas: int = 0

    def plus(self, **more: int) -> "Counts":
        return self._replace(**{name: getattr(self, name) + by for name, by in more.items()})


class RevertCounts(NamedTuple):
    """What taking an import back came to, in rows; `left` had nothing of it, or could not be."""

    rows: int = 0
    restored: int = 0
    erased: int = 0
    left: int = 0
    stay_withdrawn: int = 0


class Import(NamedTuple):
    """One import. `turn` grows with every step that is written down, and each is written once.

    `at` is the instant that the file's values are from, `offset` where the next row begins, `row`
    the number of the last one (a header is row 1). `seconds` is the time spent on it, `waits` how
    often nothing could be done since the last progress, `samples` some of the differences.
    In real time: `since` is when it was stopped, `touched` when somebody last went on with it.
    """

    store: str
    id: str
    upload: FileVersion
    phase: Phase
    at: datetime
    begun: datetime
    plan: Plan | None = None
    turn: int = 0
    offset: int = 0
    row: int = 0
    counts: Counts = Counts()
    returned: RevertCounts = RevertCounts()
    seconds: float = 0.0
    waits: int = 0
    since: datetime | None = None
    touched: datetime | None = None
    samples: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def going(self) -> bool:
        """Whether there is something left to do."""
        return self.phase in RUNNING_PHASES

    @property
    def percent(self) -> float:
        if self.phase not in RUNNING_PHASES:
            return 100.0
        return round(100 * self.offset / max(self.upload.size, 1), 1)

    @property
    def speed(self) -> int:
        """Rows in a second, of those that were looked at since this phase began."""
        rows = self.returned.rows if self.phase in {"undoing", "undone"} else self.counts.rows
        return round(rows / self.seconds) if self.seconds >= 0.001 else 0

    @property
    def error_files(self) -> int:
        return -(-self.counts.errors // ERRORS_A_FILE)

    def to_json(self) -> dict[str, Any]:
        return {
            **self._asdict(),
            "upload": [*self.upload],
            "at": instants.format_instant(self.at),
            "begun": instants.format_instant(self.begun),
            "plan": self.plan.to_json() if self.plan else None,
            "counts": [*self.counts],
            "returned": [*self.returned],
            "since": instants.format_instant(self.since) if self.since else None,
            "touched": instants.format_instant(self.touched) if self.touched else None,
            "problems": [[p.location, p.reason, p.remedy] for p in self.problems],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Import":
        said = dict(document)
        return cls(
            **{
                **said,
                "upload": FileVersion(*said["upload"]),
                "at": instants.parse_instant(said["at"]),
                "begun": instants.parse_instant(said["begun"]),
                "plan": Plan.from_json(said["plan"]) if said["plan"] else None,
                "counts": Counts(*said["counts"]),
                "returned": RevertCounts(*said["returned"]),
                "since": instants.parse_instant(said["since"]) if said["since"] else None,
                "touched": instants.parse_instant(said["touched"]) if said["touched"] else None,
                "samples": tuple(said["samples"]),
                "problems": tuple(Problem(*problem) for problem in said["problems"]),
            }
        )
