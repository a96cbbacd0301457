"""The progress of an import: everything that the next invocation needs to continue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import times
from milepost.base.problems import Problem
from milepost.transfer.imports.plan import Plan
from milepost.transfer.ports import FileVersion

Phase = Literal[
    "checking", "importing", "stopping", "undoing",
    "checked", "imported", "undone", "refused", "broken",
]  # fmt: skip
"""The first four are running; `stopping` comes before the revert of an unfinished import. A
`broken` import ended before its file did."""

RUNNING_PHASES: frozenset[Phase] = frozenset({"checking", "importing", "stopping", "undoing"})

ERRORS_A_FILE = 2_500
"""Lines of one errors file. It is read and written whole, and read up to a megabyte."""


class Counts(NamedTuple):
    """The results of the rows; `rows` is the sum of the next five.

    `withdrawn` counts rows that withdraw a consent, `granted` ignored cells that grant one,
    `formulas` cells that are kept as text because a spreadsheet would run them. `errors` counts
    errors: a row can have several.
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
    """The results of a revert, in rows; `left` rows had changed nothing."""

    rows: int = 0
    restored: int = 0
    erased: int = 0
    left: int = 0
    stay_withdrawn: int = 0


class Import(NamedTuple):
    """One import. `call_no` grows with every save, and each number is saved once.

    `at` is the instant of the file's values, `offset` where the next row begins, `row` the number
    of the last one (a header is row 1). `seconds` is the time spent, `waits` the tries since the
    last progress, `samples` some of the differences. In real time: `since` is when it was stopped,
    `touched` when an invocation last claimed or saved it.
    """

    store: str
    id: str
    upload: FileVersion
    phase: Phase
    at: datetime
    begun: datetime
    plan: Plan | None = None
    call_no: int = 0
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
        """Whether it is not finished."""
        return self.phase in RUNNING_PHASES

    @property
    def percent(self) -> float:
        if self.phase not in RUNNING_PHASES:
            return 100.0
        return round(100 * self.offset / max(self.upload.size, 1), 1)

    @property
    def speed(self) -> int:
        """Rows a second since this phase began."""
        rows = self.returned.rows if self.phase in {"undoing", "undone"} else self.counts.rows
        return round(rows / self.seconds) if self.seconds >= 0.001 else 0

    @property
    def error_files(self) -> int:
        return -(-self.counts.errors // ERRORS_A_FILE)

    def to_json(self) -> dict[str, Any]:
        return {
            **self._asdict(),
            "upload": [*self.upload],
            "at": times.format_instant(self.at),
            "begun": times.format_instant(self.begun),
            "plan": self.plan.to_json() if self.plan else None,
            "counts": [*self.counts],
            "returned": [*self.returned],
            "since": times.format_instant(self.since) if self.since else None,
            "touched": times.format_instant(self.touched) if self.touched else None,
            "problems": [[p.location, p.reason, p.remedy] for p in self.problems],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Import":
        def optional(name: str) -> datetime | None:
            return times.parse_instant(document[name]) if document[name] else None

        return cls(
            **{
                **document,
                "upload": FileVersion(*document["upload"]),
                "at": times.parse_instant(document["at"]),
                "begun": times.parse_instant(document["begun"]),
                "plan": Plan.from_json(document["plan"]) if document["plan"] else None,
                "counts": Counts(*document["counts"]),
                "returned": RevertCounts(*document["returned"]),
                "since": optional("since"),
                "touched": optional("touched"),
                "samples": tuple(document["samples"]),
                "problems": tuple(Problem(*problem) for problem in document["problems"]),
            }
        )
