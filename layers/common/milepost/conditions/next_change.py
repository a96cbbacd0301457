"""When the answer of a condition can change by itself, with nothing but time passing.

The instant is never later than the true one: until then the answer is what it is now (property
test). It may be earlier, where the true one would have to be searched for; whoever looks then finds
nothing changed, and the next instant.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from milepost.base.durations import parse_duration
from milepost.conditions.context import Condition, EvaluationContext, EventWindow
from milepost.conditions.evaluate import (
    depends_on_time,
    evaluate,
    leaf_of,
    leaves_in,
    narrowed,
    windows_of,
)
from milepost.conditions.leaves import SCORE
from milepost.conditions.operators import named

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
