"""Results of a workflow, counted from the ledger itself: they cannot disagree with it.

What was decided is counted from two sides: by the ledger's entries, and by the blocks that the
enrollments have gone through (see `decided_visits.py`). So a decision without an entry is noticed,
and so is an entry that no known status describes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milepost.sending.message import MessageStatus


_FATES = ("delivered", "opened", "clicked", "bounced", "complained")


@dataclass(frozen=True, slots=True)
class StepCounts:
    """What became of the messages of one step.

    Every decision is in exactly one of `sent`, `skipped`, `failed` and `unknown`; `fates` counts
    what was reported of those sent, `reasons` why others were not. `missing` decisions have no
    entry in the ledger, `extra` entries belong to no decision; both are 0 if all is well.
    """

    decided: int = 0
    sent: int = 0
    skipped: int = 0
    failed: int = 0
    unknown: int = 0
    missing: int = 0
    extra: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def unaccounted(self) -> int:
        """Decisions that are in none of the four, or in two: anything but 0 is a fault of ours."""
        counted = self.sent + self.skipped + self.failed + self.unknown
        entries = self.decided - self.missing + self.extra
        return self.missing + self.extra + abs(entries - counted)


@dataclass(frozen=True, slots=True)
class WorkflowCounts:
    """Enrollments by status (and reason), and the numbers of each sending step."""

    entered: int
    statuses: Mapping[str, int]
    steps: Mapping[str, StepCounts]


Alarm = Callable[[str, StepCounts], None]
"""Is told of each step whose numbers do not add up; every caller that counts names one."""


_KINDS: "Mapping[MessageStatus, str]" = {
    "accepted": "sent", "skipped": "skipped", "failed": "failed", "rejected": "failed",
    "claimed": "unknown", "unknown": "unknown", "throttled": "unknown",
}  # fmt: skip


class Tally:
    """Numbers of a workflow while they are being counted.

    `detailed` ones keep reasons and what was reported; others are as short as their steps are few.
    """

    def __init__(self, detailed: bool = False) -> None:
        self.detailed = detailed
        self._statuses: Counter[str] = Counter()
        self._steps: dict[str, Counter[str]] = {}
        self._fates: dict[str, Counter[str]] = {}
        self._reasons: dict[str, Counter[str]] = {}

    def add(self, item: Mapping[str, Any]) -> None:
        """Count an entry of the index of runs: an enrollment or a message."""
        kind, _, rest = item["run_sort"].partition("#")
        reason = item.get("reason") if self.detailed else None
        if kind == "ENROLLMENT":
            self._statuses[f"{item['status']}: {reason}" if reason else item["status"]] += 1
            return
        step = rest.partition("#")[0]
        counted = _KINDS.get(item["status"])
        self._count(step, "entries")
        if counted:
            self._count(step, counted)
        if reason and counted != "sent":
            self._reasons.setdefault(step, Counter())[reason] += 1
        if self.detailed:
            reported = [fate for fate in _FATES if f"{fate}_at" in item]
            self._fates.setdefault(step, Counter()).update(reported)

    def add_missing(self, step: str) -> None:
        """Count a decision of which the ledger has no entry."""
        self._count(step, "missing")

    def add_extra(self, step: str) -> None:
        """Say of an entry that was counted that it belongs to no decision."""
        self._count(step, "extra")

    def numbers(self) -> WorkflowCounts:
        return WorkflowCounts(
            entered=self._statuses.total(),
            statuses=dict(sorted(self._statuses.items())),
            steps={step: self._numbers_of(step) for step in sorted(self._steps)},
        )

    def _numbers_of(self, step: str) -> StepCounts:
        held = self._steps[step]
        fates = self._fates.get(step, Counter[str]())
        return StepCounts(
            decided=held["entries"] - held["extra"] + held["missing"],
            sent=held["sent"],
            skipped=held["skipped"],
            failed=held["failed"],
            unknown=held["unknown"],
            missing=held["missing"],
            extra=held["extra"],
            statuses={fate: fates[fate] for fate in _FATES} if self.detailed else {},
            reasons=dict(self._reasons.get(step, Counter[str]()).most_common()),
        )

    def _count(self, step: str, name: str) -> None:
        self._steps.setdefault(step, Counter())[name] += 1

    def to_json(self) -> dict[str, Any]:
        """What a count that is not detailed goes on with."""
        return {"statuses": self._statuses, "steps": self._steps}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Tally":
        tally = cls()
        tally._statuses.update(document["statuses"])
        tally._steps = {step: Counter(held) for step, held in document["steps"].items()}
        return tally


def count_outcomes(items: Iterable[Mapping[str, Any]], alarm: Alarm) -> WorkflowCounts:
    """Count the entries of one workflow in the index of runs, and check the sum of every step."""
    tally = Tally(detailed=True)
    for item in items:
        tally.add(item)
    numbers = tally.numbers()
    tell_unbalanced(numbers, alarm)
    return numbers


def tell_unbalanced(numbers: WorkflowCounts, alarm: Alarm) -> None:
    """Tell of every step whose numbers do not add up."""
    for step, held in numbers.steps.items():
        if held.unaccounted:
            alarm(step, held)
