"""Conditions: what may be asked of a contact, answered with the reason in words.

Evaluation is total. A missing field is false, a value of the wrong type is false and says so;
nothing raises. Here are the groups and `where`; `LEAVES` answers the rest.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from milepost.conditions.context import (
    Condition,
    ConditionResult,
    EvaluationContext,
    EventWindow,
    PastEvent,
)
from milepost.conditions.leaves import LEAVES, Dependency, Leaf


def evaluate(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    """Answer a condition of the workflow language for one contact at `facts.now`."""
    for group, deciding in (("all", False), ("any", True)):
        if group in condition:
            verdicts = [evaluate(part, facts) for part in condition[group]]
            decided = next((v for v in verdicts if v.value is deciding), None)
            return decided or ConditionResult(
                not deciding, " and ".join(v.reason for v in verdicts)
            )
    if "not" in condition:
        inner = evaluate(condition["not"], facts)
        return ConditionResult(not inner.value, inner.reason)
    return leaf_of(condition).evaluate(condition, narrowed(condition, facts))


def leaf_of(condition: Condition) -> Leaf:
    """The row of a condition that is no group."""
    for key in condition:
        if key in LEAVES:
            return LEAVES[key]
    raise ValueError(f"not a condition: {sorted(condition)}")


def narrowed(condition: Condition, facts: EvaluationContext) -> EvaluationContext:
    """The facts as a leaf sees them: of the events in its windows only those its `where` lets by.

    A `where` may ask about the event and the contact.
    """
    where = condition.get("where")
    if where is None:
        return facts
    windows = {
        window: [h for h in seen if evaluate(where, past_event_context(facts, h)).value]
        for window, seen in windows_of(condition, facts).items()
    }
    return replace(facts, windows=windows)


def windows_of(
    condition: Condition, facts: EvaluationContext
) -> dict[EventWindow, list[PastEvent]]:
    """What the windows hold that a leaf reads."""
    needed = leaf_of(condition).needs_windows(condition, facts.now, facts.entered_at)
    return {window: [*facts.windows.get(window, ())] for window in needed}


def past_event_context(facts: EvaluationContext, happening: PastEvent) -> EvaluationContext:
    """What the `where` of a leaf may ask about."""
    return EvaluationContext(now=facts.now, contact=facts.contact, event=happening.data)


def parts_of(condition: Condition) -> Iterator[Condition]:
    """The conditions inside a condition."""
    yield from condition.get("all", ())
    yield from condition.get("any", ())
    yield from (condition[key] for key in ("not", "where") if key in condition)


def leaves_in(condition: Condition) -> Iterator[tuple[Leaf, Condition]]:
    """All leaves of a condition, also those of a `where`."""
    for part in parts_of(condition):
        yield from leaves_in(part)
    if not ("all" in condition or "any" in condition or "not" in condition):
        yield leaf_of(condition), condition


def windows_needed(
    condition: Condition, now: datetime, entered_at: datetime | None
) -> Iterator[EventWindow]:
    """The timeline windows this condition reads beyond the totals on the profile."""
    for leaf, part in leaves_in(condition):
        yield from leaf.needs_windows(part, now, entered_at)


def emails_needed(condition: Condition) -> Iterator[str]:
    """The ids of the `send_email` steps whose fate this condition asks about."""
    for leaf, part in leaves_in(condition):
        yield from leaf.needs_emails(part)


def dependencies(condition: Condition) -> Iterator[Dependency]:
    """All whose change may give a condition another answer."""
    for leaf, part in leaves_in(condition):
        yield from leaf.depends_on(part)


def depends_on_time(condition: Condition) -> bool:
    """Whether a condition can change by itself at all, whatever the facts."""
    return any(leaf.timed(part) for leaf, part in leaves_in(condition))
