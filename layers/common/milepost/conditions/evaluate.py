"""Whether a condition holds, why, and when that changes next."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from milepost.base.durations import parse_duration
from milepost.conditions.context import (
    Condition,
    ConditionResult,
    EvaluationContext,
    EventWindow,
    PastEvent,
)
from milepost.conditions.leaves import LEAVES, SCORE, Dependency, Leaf
from milepost.conditions.operators import named


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


MAX_CANDIDATES = 20
"""Instants that are tried one after the other: each of them is a whole evaluation."""


def next_change(condition: Condition, facts: EvaluationContext) -> datetime | None:
    """The next instant after `facts.now` at which the answer can be another; None if there is none.

    `facts` are those that `evaluate` gets. Membership, consent and totals do not change by
    themselves; what changes them is an event.
    """
    if "not" in condition:
        return next_change(condition["not"], facts)
    if "all" in condition:
        return _of_group(condition["all"], facts, decided_by=False)
    if "any" in condition:
        return _of_group(condition["any"], facts, decided_by=True)
    return _first_change(condition, facts, _of_leaf(condition, facts))


def _of_group(
    parts: Sequence[Condition], facts: EvaluationContext, *, decided_by: bool
) -> datetime | None:
    """A part that decides alone holds the group until it changes; the last one to do so counts."""
    deciding = [part for part in parts if evaluate(part, facts).value is decided_by]
    found = [next_change(part, facts) for part in deciding or parts]
    if deciding:
        known = [at for at in found if at is not None]
        return max(known) if len(known) == len(found) else None
    return min((at for at in found if at is not None), default=None)


def _first_change(
    condition: Condition, facts: EvaluationContext, candidates: Iterable[datetime]
) -> datetime | None:
    """The first of some instants, between which nothing changes, with another answer.

    The last one that was tried if none has, and there may be more to come after it.
    """
    ahead = sorted({at for at in candidates if at > facts.now})
    now = evaluate(condition, facts).value if ahead else None
    for at in ahead[:MAX_CANDIDATES]:
        if evaluate(condition, at_time(at, facts)).value is not now:
            return at
    if len(ahead) > MAX_CANDIDATES or (ahead and _recurs(condition)):
        return ahead[:MAX_CANDIDATES][-1]
    return None


def _recurs(condition: Condition) -> bool:
    return any(each.recurs for _, part in leaves_in(condition) for each, _ in named(part))


def at_time(at: datetime, facts: EvaluationContext) -> EvaluationContext:
    """The same facts at a later instant, if nothing happens until then."""
    passed = at - facts.now
    windows = {
        EventWindow(window.name, window.since + passed if window.since else None): [
            happening
            for happening in happenings
            if window.since is None or happening.at > window.since + passed
        ]
        for window, happenings in facts.windows.items()
    }
    fading = [score for begins, score in facts.score_decays if begins <= at]
    contact = {**facts.contact, SCORE: fading[-1]} if fading else facts.contact
    left = [(begins, score) for begins, score in facts.score_decays if begins > at]
    return replace(facts, now=at, contact=contact, windows=windows, score_decays=left)


def _of_leaf(condition: Condition, facts: EvaluationContext) -> Iterator[datetime]:
    """The instants at which the answer of a leaf can change."""
    where = condition.get("where")
    if where is None or not depends_on_time(where):
        yield from leaf_of(condition).next_change(condition, narrowed(condition, facts))
        return
    # What the `where` lets by changes as well: each event may leave the window, or come into it.
    within = parse_duration(condition["within"]) if "within" in condition else None
    for happening in chain.from_iterable(windows_of(condition, facts).values()):
        if within is not None:
            yield happening.at + within
        inner = replace(facts, event=happening.data, windows={})
        for leaf, part in leaves_in(where):
            yield from leaf.next_change(part, inner)
