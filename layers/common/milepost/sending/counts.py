"""The results of a workflow, counted from the ledger.

Decisions are counted from two sides: from the ledger's entries, and from the finished block runs of
the enrollments (see `decided_visits.py`). So the count finds decisions without an entry, and
entries with an unknown status.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milepost.sending.message import MessageStatus


_DELIVERY_STATUSES = ("delivered", "opened", "clicked", "bounced", "complained")


@dataclass(frozen=True, slots=True)
class StepCounts:
    """The results of the messages of one step.

    Every decision is in exactly one of `sent`, `skipped`, `failed` and `unknown`. `statuses` counts
    the delivery events of the sent messages, `reasons` the reasons of the others. `missing` counts
    decisions without an entry in the ledger, `extra` counts entries without a decision; both are 0
    if there is no bug.
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
        """Decisions that have none of the four results, or two. Any number but 0 is a bug."""
        results = self.sent + self.skipped + self.failed + self.unknown
        entries = self.decided - self.missing + self.extra
        return self.missing + self.extra + abs(entries - results)


@dataclass(frozen=True, slots=True)
class WorkflowCounts:
    """Enrollments by status and reason, and the counts of each step that sends."""

    entered: int
    statuses: Mapping[str, int]
    steps: Mapping[str, StepCounts]


Alarm = Callable[[str, StepCounts], None]
"""Called for each step whose counts do not add up. Every caller must pass one."""


_RESULTS: "Mapping[MessageStatus, str]" = {
    "accepted": "sent",
    "skipped": "skipped",
    "failed": "failed",
    "rejected": "failed",
    "claimed": "unknown",
    "unknown": "unknown",
    "throttled": "unknown",
}


class Tally:
    """The counts of a workflow during counting.

    With `detailed`, it also counts reasons and delivery events. Without it, its size depends only
    on the number of steps.
    """

    def __init__(self, detailed: bool = False) -> None:
        self.detailed = detailed
        self._statuses: Counter[str] = Counter()
        self._steps: dict[str, Counter[str]] = {}
        self._delivery_statuses: dict[str, Counter[str]] = {}
        self._reasons: dict[str, Counter[str]] = {}

    def add(self, item: Mapping[str, Any]) -> None:
        """Count an item of the index `runs`: an enrollment or a message."""
        item_kind, _, rest = item["run_sort"].partition("#")
        reason = item.get("reason") if self.detailed else None
        if item_kind == "ENROLLMENT":
            self._statuses[f"{item['status']}: {reason}" if reason else item["status"]] += 1
            return
        step = rest.partition("#")[0]
        result = _RESULTS.get(item["status"])
        self._count(step, "entries")
        if result:
            self._count(step, result)
        if reason and result != "sent":
            self._reasons.setdefault(step, Counter())[reason] += 1
        if self.detailed:
            reported = [status for status in _DELIVERY_STATUSES if f"{status}_at" in item]
            self._delivery_statuses.setdefault(step, Counter()).update(reported)

    def add_missing(self, step: str) -> None:
        """Count a decision without an entry in the ledger."""
        self._count(step, "missing")

    def add_extra(self, step: str) -> None:
        """Mark a counted entry as one without a decision."""
        self._count(step, "extra")

    def numbers(self) -> WorkflowCounts:
        return WorkflowCounts(
            entered=self._statuses.total(),
            statuses=dict(sorted(self._statuses.items())),
            steps={step: self._numbers_of(step) for step in sorted(self._steps)},
        )

    def _numbers_of(self, step: str) -> StepCounts:
        counts = self._steps[step]
        delivery_statuses = self._delivery_statuses.get(step, Counter[str]())
        return StepCounts(
            decided=counts["entries"] - counts["extra"] + counts["missing"],
            sent=counts["sent"],
            skipped=counts["skipped"],
            failed=counts["failed"],
            unknown=counts["unknown"],
            missing=counts["missing"],
            extra=counts["extra"],
            statuses={status: delivery_statuses[status] for status in _DELIVERY_STATUSES}
            if self.detailed
            else {},
            reasons=dict(self._reasons.get(step, Counter[str]()).most_common()),
        )

    def _count(self, step: str, name: str) -> None:
        self._steps.setdefault(step, Counter())[name] += 1

    def to_json(self) -> dict[str, Any]:
        """The state with which a count without details continues."""
        return {"statuses": self._statuses, "steps": self._steps}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Tally":
        tally = cls()
        tally._statuses.update(document["statuses"])
        tally._steps = {step: Counter(counts) for step, counts in document["steps"].items()}
        return tally


def count_outcomes(items: Iterable[Mapping[str, Any]], alarm: Alarm) -> WorkflowCounts:
    """Count the items of one workflow in the index `runs`, and check the sum of every step."""
    tally = Tally(detailed=True)
    for item in items:
        tally.add(item)
    numbers = tally.numbers()
    tell_unbalanced(numbers, alarm)
    return numbers


def tell_unbalanced(numbers: WorkflowCounts, alarm: Alarm) -> None:
    """Call `alarm` for every step whose counts do not add up."""
    for step, counts in numbers.steps.items():
        if counts.unaccounted:
            alarm(step, counts)
