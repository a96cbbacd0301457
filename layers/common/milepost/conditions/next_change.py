"""When the answer of a condition can change by itself, with nothing but time passing.

The instant is never later than the true one: until then the answer is what it is now (property
test). It may be earlier, where the true one would have to be searched for; whoever looks then finds
nothing changed, and the next instant.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from milepost.base.durations import parse_duration
from milepost.base.paths import MISSING, look_up
from milepost.conditions.context import Facts, Happening, Window
from milepost.conditions.evaluate import TIMES, Condition, as_instant, evaluate, is_enough, seen_by

_TICK = timedelta(microseconds=1)
"""What holds up to an instant, that instant included, ends one tick after it."""

SCORE = "score"

MOST_TRIED = 20
"""Instants that are tried one after the other: each of them is a whole evaluation."""


def next_flip(condition: Condition, facts: Facts) -> datetime | None:
    """The next instant after `facts.now` at which the answer can be another; None if there is none.

    `facts` are those that `evaluate` gets. Membership, consent and totals do not change by
    themselves; what changes them is an event.
    """
    if "not" in condition:
        return next_flip(condition["not"], facts)
    if "all" in condition:
        return _of_group(condition["all"], facts, decided_by=False)
    if "any" in condition:
        return _of_group(condition["any"], facts, decided_by=True)
    if "contact" in condition:
        return _first_change(condition, facts, _of_contact(condition, facts))
    if "within" not in condition and not moves_with_time(condition):
        return None
    if "sum_of" not in condition and not moves_with_time(condition.get("where", {})):
        return _of_count(condition, facts)
    leavings = _leavings(condition, facts) if "within" in condition else ()
    return _first_change(condition, facts, [*leavings, *_of_where(condition, facts)])


def moves_with_time(condition: Condition) -> bool:
    """Whether a condition can change by itself at all, whatever the facts."""
    parts = [*condition.get("all", ()), *condition.get("any", ())]
    parts += [condition[key] for key in ("not", "where") if key in condition]
    if "within" in condition or any(operator in condition for operator in TIMES):
        return True
    return condition.get("contact") == SCORE or any(map(moves_with_time, parts))


def _of_group(parts: Sequence[Condition], facts: Facts, *, decided_by: bool) -> datetime | None:
    """A part that decides alone holds the group until it changes; the last one to do so counts."""
    deciding = [part for part in parts if evaluate(part, facts).value is decided_by]
    found = [next_flip(part, facts) for part in deciding or parts]
    if deciding:
        known = [at for at in found if at is not None]
        return max(known) if len(known) == len(found) else None
    return min((at for at in found if at is not None), default=None)


def _of_count(condition: Condition, facts: Facts) -> datetime | None:
    """What is counted in a window becomes less, one after the other."""
    where = condition.get("where")
    seen = [h for h in _seen(condition, facts) if not where or _meets(where, h, facts)]
    within = parse_duration(condition["within"])
    leaving = sorted(happening.at + within for happening in seen)
    now = is_enough(condition, len(leaving))
    for gone, at in enumerate(leaving, 1):
        last_of_its_instant = gone == len(leaving) or leaving[gone] > at
        if last_of_its_instant and is_enough(condition, len(leaving) - gone) is not now:
            return at
    return None


def _meets(where: Condition, happening: Happening, facts: Facts) -> bool:
    return evaluate(where, seen_by(facts, happening)).value


def _first_change(
    condition: Condition, facts: Facts, candidates: Iterable[datetime]
) -> datetime | None:
    """The first of some instants, between which nothing changes, with another answer.

    The last one that was tried if none has, and there may be more to come after it.
    """
    now = evaluate(condition, facts).value
    ahead = sorted({at for at in candidates if at > facts.now})
    for at in ahead[:MOST_TRIED]:
        if evaluate(condition, seen_at(at, facts)).value is not now:
            return at
    if len(ahead) > MOST_TRIED or (ahead and _comes_every_year(condition)):
        return ahead[:MOST_TRIED][-1]
    return None


def _comes_every_year(condition: Condition) -> bool:
    parts = [*condition.get("all", ()), *condition.get("any", ())]
    parts += [condition[key] for key in ("not", "where") if key in condition]
    return "anniversary_within" in condition or any(map(_comes_every_year, parts))


def seen_at(at: datetime, facts: Facts) -> Facts:
    """The same facts at a later instant, if nothing happens until then."""
    passed = at - facts.now
    windows = {
        Window(window.name, window.since + passed if window.since else None): [
            happening
            for happening in happenings
            if window.since is None or happening.at > window.since + passed
        ]
        for window, happenings in facts.windows.items()
    }
    fading = [score for begins, score in facts.fades if begins <= at]
    contact = {**facts.contact, SCORE: fading[-1]} if fading else facts.contact
    left = [(begins, score) for begins, score in facts.fades if begins > at]
    return Facts(
        now=at,
        contact=contact,
        event=facts.event,
        consent=facts.consent,
        metrics=facts.metrics,
        inside=facts.inside,
        windows=windows,
        segments=facts.segments,
        fades=left,
    )


def _leavings(condition: Condition, facts: Facts) -> Iterator[datetime]:
    """The instants at which what has been done is no longer within the time asked for."""
    within = parse_duration(condition["within"])
    for happening in _seen(condition, facts):
        yield happening.at + within


def _seen(condition: Condition, facts: Facts) -> Sequence[Happening]:
    name = condition.get("did") or condition.get("did_not") or condition["sum_of"]
    since = facts.now - parse_duration(condition["within"]) if "within" in condition else None
    return facts.windows.get(Window(name, since), ())


def _of_where(condition: Condition, facts: Facts) -> Iterator[datetime]:
    """A `where` may itself ask for what is near in time, of each event."""
    where = condition.get("where")
    if where is None or not moves_with_time(where):
        return
    for happening in _seen(condition, facts):
        inner = replace(facts, event=happening.data, windows={})
        yield from _of_comparisons(where, inner)


def _of_comparisons(condition: Condition, facts: Facts) -> Iterator[datetime]:
    for part in (*condition.get("all", ()), *condition.get("any", ())):
        yield from _of_comparisons(part, facts)
    if "not" in condition:
        yield from _of_comparisons(condition["not"], facts)
    if "contact" in condition:
        yield from _of_contact(condition, facts)
    elif "event" in condition:
        yield from _of_values(condition, look_up(facts.event, condition["event"]), facts.now)


def _of_contact(condition: Condition, facts: Facts) -> Iterator[datetime]:
    path = condition["contact"]
    if path == SCORE:
        yield from (at for at, _ in facts.fades)
    yield from _of_values(condition, look_up(facts.contact, path), facts.now)


def _of_values(condition: Condition, value: Any, now: datetime) -> Iterator[datetime]:
    """All instants at which a comparison of this value can change, the near ones at least."""
    operator = next((each for each in TIMES if each in condition), None)
    if operator is None or value is MISSING:
        return
    width = parse_duration(condition[operator])
    for each in value if isinstance(value, list) else [value]:
        try:
            at = as_instant(each, now)
            match operator:
                case "within_last":
                    yield from (at, at + width + _TICK)
                case "within_next":
                    yield from (at - width, at + _TICK)
                case _:
                    yield from _anniversaries(at, width, now)
        except (TypeError, ValueError, OverflowError):
            continue  # nothing that could be compared, now or later


def _anniversaries(value: datetime, width: timedelta, now: datetime) -> Iterator[datetime]:
    """An anniversary lasts a whole day, and comes near `width` before its hour."""
    for year in range(now.year - 1, now.year + 3 + width.days // 365):
        try:
            day = date(year, value.month, value.day)
        except ValueError:
            if not 1 <= year <= 9999:
                continue
            day = date(year, 2, 28)
        midnight = datetime.combine(day, time.min, UTC)
        hour = datetime.combine(day, value.timetz())
        yield from (midnight, midnight + timedelta(days=1), hour - width)
