"""Results of a workflow, counted from the ledger itself: they cannot disagree with it."""

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
    what was reported of those sent, `reasons` why others were not.
    """

    decided: int = 0
    sent: int = 0
    skipped: int = 0
    failed: int = 0
    unknown: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def unaccounted(self) -> int:
        """Decisions that are in none of the four, or in two: anything but 0 is a fault of ours."""
        return self.decided - (self.sent + self.skipped + self.failed + self.unknown)


@dataclass(frozen=True, slots=True)
class WorkflowCounts:
    """Enrollments by status (and reason), and the numbers of each sending step."""

    entered: int
    statuses: Mapping[str, int]
    steps: Mapping[str, StepCounts]


Alarm = Callable[[str, StepCounts], None]
"""Is told of each step whose numbers do not add up; whoever makes numbers has to name one."""


_KINDS: "Mapping[MessageStatus, str]" = {
    "accepted": "sent", "skipped": "skipped", "failed": "failed", "rejected": "failed",
    "claimed": "unknown", "unknown": "unknown", "throttled": "unknown",
}  # fmt: skip


def count_outcomes(items: Iterable[Mapping[str, Any]], alarm: Alarm) -> WorkflowCounts:
    """Count the entries of one workflow in the index of runs, and check the sum of every step."""
    statuses: Counter[str] = Counter()
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        kind, _, rest = item["run_sort"].partition("#")
        if kind == "ENROLLMENT":
            reason = item.get("reason")
            statuses[f"{item['status']}: {reason}" if reason else item["status"]] += 1
        else:
            steps.setdefault(rest.partition("#")[0], []).append(item)
    counted = {step: _step(messages) for step, messages in steps.items()}
    for step, numbers in counted.items():
        if numbers.unaccounted:
            alarm(step, numbers)
    return WorkflowCounts(
        entered=statuses.total(),
        statuses=dict(sorted(statuses.items())),
        steps=counted,
    )


def _step(messages: list[Mapping[str, Any]]) -> StepCounts:
    kinds = Counter(_KINDS.get(message["status"], "") for message in messages)
    unsent = (m for m in messages if _KINDS.get(m["status"]) != "sent" and m.get("reason"))
    return StepCounts(
        decided=len(messages),
        sent=kinds["sent"],
        skipped=kinds["skipped"],
        failed=kinds["failed"],
        unknown=kinds["unknown"],
        statuses={fate: sum(f"{fate}_at" in m for m in messages) for fate in _FATES},
        reasons=dict(Counter(m["reason"] for m in unsent).most_common()),
    )
