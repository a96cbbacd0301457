"""The results of a workflow, counted from the ledger."""

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
    the delivery events of the sent messages, `reasons` the reasons of the others.
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
        """Decisions that have none of the four results, or two. Any number but 0 is a bug."""
        return self.decided - (self.sent + self.skipped + self.failed + self.unknown)


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


def count_outcomes(items: Iterable[Mapping[str, Any]], alarm: Alarm) -> WorkflowCounts:
    """Count the items of one workflow in the index `runs`, and check the sum of every step."""
    statuses: Counter[str] = Counter()
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        item_kind, _, rest = item["run_sort"].partition("#")
        if item_kind == "ENROLLMENT":
            reason = item.get("reason")
            statuses[f"{item['status']}: {reason}" if reason else item["status"]] += 1
        else:
            steps.setdefault(rest.partition("#")[0], []).append(item)
    counts = {step: _step(messages) for step, messages in steps.items()}
    for step, numbers in counts.items():
        if numbers.unaccounted:
            alarm(step, numbers)
    return WorkflowCounts(
        entered=statuses.total(),
        statuses=dict(sorted(statuses.items())),
        steps=counts,
    )


def _step(messages: list[Mapping[str, Any]]) -> StepCounts:
    results = Counter(_RESULTS.get(message["status"], "") for message in messages)
    unsent = (m for m in messages if _RESULTS.get(m["status"]) != "sent" and m.get("reason"))
    return StepCounts(
        decided=len(messages),
        sent=results["sent"],
        skipped=results["skipped"],
        failed=results["failed"],
        unknown=results["unknown"],
        statuses={
            status: sum(f"{status}_at" in m for m in messages) for status in _DELIVERY_STATUSES
        },
        reasons=dict(Counter(m["reason"] for m in unsent).most_common()),
    )
