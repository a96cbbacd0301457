"""Evaluate conditions, and find when a result can change next."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from milepost.base.times import parse_duration
from milepost.conditions.context import (
    Condition,
    ConditionResult,
    EvaluationContext,
    EventWindow,
    PastEvent,
)
from milepost.conditions.leaves import LEAVES, SCORE, Dependency, Leaf
from milepost.conditions.operators import named


def evaluate(condition: Condition, context: EvaluationContext) -> ConditionResult:
    """Evaluate a condition for one contact at `context.now`."""
    for group, deciding in (("all", False), ("any", True)):
        if group in condition:
            results = [evaluate(part, context) for part in condition[group]]
            decided = next((r for r in results if r.value is deciding), None)
            return decided or ConditionResult(not deciding, " and ".join(r.reason for r in results))
    if "not" in condition:
        inner = evaluate(condition["not"], context)
        return ConditionResult(not inner.value, inner.reason)
    return leaf_of(condition).evaluate(condition, narrowed(condition, context))


def leaf_of(condition: Condition) -> Leaf:
    """The leaf of a condition that is not a group."""
    for key in condition:
        if key in LEAVES:
            return LEAVES[key]
    raise ValueError(f"not a condition: {sorted(condition)}")


def narrowed(condition: Condition, context: EvaluationContext) -> EvaluationContext:
    """The context of a leaf: its windows without the events that do not match its `where`."""
    where = condition.get("where")
    if where is None:
        return context
    windows = {
        window: [e for e in events if evaluate(where, past_event_context(context, e)).value]
        for window, events in windows_of(condition, context).items()
    }
    return replace(context, windows=windows)


def windows_of(
    condition: Condition, context: EvaluationContext
) -> dict[EventWindow, list[PastEvent]]:
    """The windows that a leaf reads, with their events."""
    needed = leaf_of(condition).needs_windows(condition, context.now, context.entered_at)
    return {window: [*context.windows.get(window, ())] for window in needed}


def past_event_context(context: EvaluationContext, past: PastEvent) -> EvaluationContext:
    """The context of a leaf's `where`: one past event and the contact."""
    return EvaluationContext(now=context.now, contact=context.contact, event=past.data)


def parts_of(condition: Condition) -> Iterator[Condition]:
    """The conditions inside a condition."""
    yield from condition.get("all", ())
    yield from condition.get("any", ())
    yield from (condition[key] for key in ("not", "where") if key in condition)


def leaves_in(condition: Condition) -> Iterator[tuple[Leaf, Condition]]:
    """All leaves of a condition, including those of a `where`."""
    for part in parts_of(condition):
        yield from leaves_in(part)
    if not ("all" in condition or "any" in condition or "not" in condition):
        yield leaf_of(condition), condition


def windows_needed(
    condition: Condition, now: datetime, entered_at: datetime | None
) -> Iterator[EventWindow]:
    """The timeline windows that a condition reads in addition to the profile's totals."""
    for leaf, part in leaves_in(condition):
        yield from leaf.needs_windows(part, now, entered_at)


def emails_needed(condition: Condition) -> Iterator[str]:
    """The ids of the `send_email` steps whose delivery events a condition reads."""
    for leaf, part in leaves_in(condition):
        yield from leaf.needs_emails(part)


def dependencies(condition: Condition) -> Iterator[Dependency]:
    """The data whose change can change a condition's result."""
    for leaf, part in leaves_in(condition):
        yield from leaf.depends_on(part)


def depends_on_time(condition: Condition) -> bool:
    """Whether time alone can change a condition's result, for any contact."""
    return any(leaf.timed(part) for leaf, part in leaves_in(condition))


MAX_CANDIDATES = 20
"""Instants that `next_change` tries; each one costs a whole evaluation."""


def next_change(condition: Condition, context: EvaluationContext) -> datetime | None:
    """The next instant after `context.now` at which the result can differ; None if there is none.

    `context` is that of `evaluate`. Only events change membership, consent and totals.
    """
    if "not" in condition:
        return next_change(condition["not"], context)
    if "all" in condition:
        return _of_group(condition["all"], context, decided_by=False)
    if "any" in condition:
        return _of_group(condition["any"], context, decided_by=True)
    return _first_change(condition, context, _of_leaf(condition, context))


def _of_group(
    parts: Sequence[Condition], context: EvaluationContext, *, decided_by: bool
) -> datetime | None:
    """Each part that alone decides the group keeps its result, so the last one to change counts."""
    deciding = [part for part in parts if evaluate(part, context).value is decided_by]
    found = [next_change(part, context) for part in deciding or parts]
    if deciding:
        known = [at for at in found if at is not None]
        return max(known) if len(known) == len(found) else None
    return min((at for at in found if at is not None), default=None)


def _first_change(
    condition: Condition, context: EvaluationContext, candidates: Iterable[datetime]
) -> datetime | None:
    """The first candidate with another result; nothing changes between candidates.

    If none has and more candidates may follow, the last one that was tried.
    """
    ahead = sorted({at for at in candidates if at > context.now})
    now = evaluate(condition, context).value if ahead else None
    for at in ahead[:MAX_CANDIDATES]:
        if evaluate(condition, at_time(at, context)).value is not now:
            return at
    if len(ahead) > MAX_CANDIDATES or (ahead and _recurs(condition)):
        return ahead[:MAX_CANDIDATES][-1]
    return None


def _recurs(condition: Condition) -> bool:
    return any(each.recurs for _, part in leaves_in(condition) for each, _ in named(part))


def at_time(at: datetime, context: EvaluationContext) -> EvaluationContext:
    """The context at a later instant, if nothing happens until then."""
    passed = at - context.now
    windows = {
        EventWindow(window.name, window.since + passed if window.since else None): [
            event for event in events if window.since is None or event.at > window.since + passed
        ]
        for window, events in context.windows.items()
    }
    decayed = [score for begins, score in context.score_decays if begins <= at]
    contact = {**context.contact, SCORE: decayed[-1]} if decayed else context.contact
    left = [(begins, score) for begins, score in context.score_decays if begins > at]
    return replace(context, now=at, contact=contact, windows=windows, score_decays=left)


def _of_leaf(condition: Condition, context: EvaluationContext) -> Iterator[datetime]:
    """The instants at which the result of a leaf can change."""
    where = condition.get("where")
    if where is None or not depends_on_time(where):
        yield from leaf_of(condition).next_change(condition, narrowed(condition, context))
        return
    # The result of the `where` can change too, for every event of the window.
    within = parse_duration(condition["within"]) if "within" in condition else None
    for past in chain.from_iterable(windows_of(condition, context).values()):
        if within is not None:
            yield past.at + within
        inner = replace(context, event=past.data, windows={})
        for leaf, part in leaves_in(where):
            yield from leaf.next_change(part, inner)
