"""Evaluate leaves, the conditions that are not groups. A leaf is one row of `LEAVES`.

`conditions.leaf_files` has the row that reads and describes files. `conditions.evaluate` applies a
leaf's `where` before it calls the leaf.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import copysign, fsum, inf
from typing import Any, Final, Literal, NamedTuple

from milepost.base import times
from milepost.base.paths import MISSING, get_path
from milepost.base.times import format_duration, parse_duration
from milepost.conditions.context import (
    Condition,
    ConditionResult,
    EvaluationContext,
    EventWindow,
    PastEvent,
)
from milepost.conditions.operators import (
    as_number,
    changes,
    compare,
    count_words,
    named,
    predicate,
    words,
)

ANY_FIELD = "*"
"""The dependency of a condition that may read any field of the contact."""

SCORE = "score"
"""The only field of a contact that time alone changes."""

MAX_SHOWN = 5
"""How many values of a list a reason shows."""


DependencyKind = Literal["events", "fields", "topics", "workflows", "segments"]


class Dependency(NamedTuple):
    """Data whose change has a condition evaluated again."""

    kind: DependencyKind
    name: str


def _nothing(*_: Any) -> Iterator[Any]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Leaf:
    """The functions of a leaf. None of them may raise.

    `depends_on` lists the data whose change has the condition evaluated again. `needs_windows`
    (given the time and the time of entry) and `needs_emails` (step ids) list what to load before
    the evaluation. `timed` says whether time alone can change the result; `next_change` gives the
    instants at which it can, if nothing happens.
    """

    evaluate: Callable[[Condition, EvaluationContext], ConditionResult]
    depends_on: Callable[[Condition], Iterator[Dependency]] = _nothing
    needs_windows: Callable[[Condition, datetime, datetime | None], Iterator[EventWindow]] = (
        _nothing
    )
    needs_emails: Callable[[Condition], Iterator[str]] = _nothing
    timed: Callable[[Condition], bool] = lambda _: False
    next_change: Callable[[Condition, EvaluationContext], Iterator[datetime]] = _nothing


# --- comparisons --------------------------------------------------------------------------------

_Locate = Callable[[Condition, EvaluationContext], tuple[str, Any, str]]
"""Finds the value of a comparison: the data's name in reasons, the data, and the path in it."""


def _comparison(locate: _Locate, depends_on: Callable[[Condition], Iterator[Dependency]]) -> Leaf:
    def evaluate(condition: Condition, context: EvaluationContext) -> ConditionResult:
        root, data, path = locate(condition, context)
        return _compared(f"{root}.{path}", get_path(data, path), condition, context.now)

    def next_change(condition: Condition, context: EvaluationContext) -> Iterator[datetime]:
        _, data, path = locate(condition, context)
        if condition.get("contact") == SCORE:
            yield from (at for at, _ in context.score_decays)
        for operator, bound in named(condition):
            yield from changes(operator, get_path(data, path), bound, context.now)

    return Leaf(evaluate, depends_on, timed=_is_timed, next_change=next_change)


def _is_timed(condition: Condition) -> bool:
    changes_with_time = any(operator.changes_at for operator, _ in named(condition))
    return changes_with_time or condition.get("contact") == SCORE


def _compared(name: str, value: Any, condition: Condition, now: datetime) -> ConditionResult:
    operator, bound = named(condition)[0]
    met = compare(operator, value, bound, now)
    if value is MISSING or value is None:
        return ConditionResult(operator.of_several == "whole" and met is True, f"{name} is missing")
    note = ", which cannot be compared" if met is None else ""
    rule = predicate(operator, bound, _show, MAX_SHOWN)
    return ConditionResult(met is True, f"{name} is {_show(value)}{note} (condition: {rule})")


def root_field(path: str) -> str:
    """The profile's field at the start of a path: `properties.plan` for `properties.plan.id`.

    `*` if it can be any field.
    """
    root, _, rest = path.partition(".")
    if root not in {"properties", "lists", "segments"}:
        return root.removesuffix("[]")
    key = rest.partition(".")[0].removesuffix("[]")
    return f"{root}.{key}" if key else ANY_FIELD


def _step(condition: Condition, context: EvaluationContext) -> tuple[str, Any, str]:
    step = condition["step"]
    return f"steps.{step}", context.steps.get(step, {}), condition["output"]


def _membership(
    key: str,
    kind: DependencyKind,
    phrase: str,
    among: Callable[[EvaluationContext], Collection[str]],
    prefix: str = "",
) -> Leaf:
    def evaluate(condition: Condition, context: EvaluationContext) -> ConditionResult:
        inside = condition[key] in among(context)
        return ConditionResult(inside, f"is {_not(inside)}{phrase} {condition[key]}")

    return Leaf(evaluate, lambda c: iter((Dependency(kind, f"{prefix}{c[key]}"),)))


def _lists(context: EvaluationContext) -> Collection[str]:
    return [name for name, on in context.contact.get("lists", {}).items() if on is True]


def _consents_to(condition: Condition, context: EvaluationContext) -> ConditionResult:
    topic = condition["consents_to"]
    state = context.consent.get(topic)
    phrases = {"granted": "consents to", "withdrawn": "has withdrawn consent to"}
    return ConditionResult(
        state == "granted", f"{phrases.get(state or '', 'never consented to')} {topic}"
    )


def _not(value: bool) -> str:
    return "" if value else "not "


def _email(condition: Condition, context: EvaluationContext) -> ConditionResult:
    step, was = condition["email"], condition["was"]
    message = context.emails.get(step, {})
    include_bots = condition.get("include_bots", False)
    if was == "clicked" and "link" in condition:
        value = _clicked(condition["link"], message, include_bots)
        return ConditionResult(
            value, f"e-mail {step}: {condition['link']} was {_not(value)}clicked"
        )
    value = bool(message.get(f"{was}_at") or (include_bots and message.get(f"bot_{was}_at")))
    return ConditionResult(value, f"e-mail {step} was {_not(value)}{was}")


def _clicked(link: str, message: Mapping[str, Any], include_bots: bool) -> bool:
    if link not in message.get("links", ()):
        return False
    if include_bots or "human_links" not in message:
        return True
    from milepost.base.link_mark import link_mark  # few conditions name a link

    return link_mark(link) in message["human_links"]


# --- behavior -----------------------------------------------------------------------------------

_ONCE: Mapping[str, Any] = {"gte": 1}


def _did(condition: Condition, context: EvaluationContext) -> ConditionResult:
    negated = "did_not" in condition
    name = _event_name(condition)
    count = _count(name, condition, context)
    enough = _meets_times(condition, count, context.now)
    needs = count_words(condition.get("times") or _ONCE, str)
    rule = f"must not have {needs}" if negated else f"needs {needs}"
    return ConditionResult(
        enough is not negated, f"did {name} {_times(count)}{_when(condition)}, {rule}"
    )


def _sum_of(condition: Condition, context: EvaluationContext) -> ConditionResult:
    total = _added_up(
        _amount(get_path(event.data, condition["of"])) for event in _events(condition, context)
    )
    name = f"{condition['of']} of {condition['sum_of']}"
    when, rule = _when(condition), words(condition, _show)
    met = _meets(condition, total, context.now)
    return ConditionResult(met, f"{name} comes to {_show(total)}{when} (condition: {rule})")


def _meets(bounds: Mapping[str, Any], number: float, now: datetime) -> bool:
    return all(compare(operator, number, bound, now) for operator, bound in named(bounds))


def _meets_times(condition: Condition, count: int, now: datetime) -> bool:
    """Whether a count meets the `times` of a `did` or `did_not`."""
    return _meets(condition.get("times") or _ONCE, count, now)


def _count(name: str, condition: Condition, context: EvaluationContext) -> int:
    if not _answered_by_totals(condition):
        return len(_events(condition, context))
    total = context.metrics.get(name)
    if total is None:
        return 0
    if "since" not in condition:
        return int(total["count"])
    return int(
        context.entered_at is None or times.parse_instant(total["last"]) > context.entered_at
    )


def _answered_by_totals(condition: Condition) -> bool:
    """Totals have the count of all time and the time of the last event."""
    if "sum_of" in condition or "where" in condition or "within" in condition:
        return False
    return "since" not in condition or condition.get("times") in (None, {"gte": 1})


def _windows(
    condition: Condition, now: datetime, entered_at: datetime | None
) -> Iterator[EventWindow]:
    """The timeline windows that a condition reads in addition to the profile's totals."""
    if not _answered_by_totals(condition):
        yield _window(condition, now, entered_at)


def _window(condition: Condition, now: datetime, entered_at: datetime | None) -> EventWindow:
    since = entered_at if "since" in condition else None
    if "within" in condition:
        since = now - parse_duration(condition["within"])
    return EventWindow(_event_name(condition), since)


def _events(condition: Condition, context: EvaluationContext) -> Sequence[PastEvent]:
    return context.windows.get(_window(condition, context.now, context.entered_at), ())


def _event_name(condition: Condition) -> str:
    return str(condition.get("did") or condition.get("did_not") or condition["sum_of"])


def _count_changes(condition: Condition, context: EvaluationContext) -> Iterator[datetime]:
    """The first instant at which enough events have left the window to change the result."""
    leaving = sorted(_leave_times(condition, context))
    now = _meets_times(condition, len(leaving), context.now)
    for gone, at in enumerate(leaving, 1):
        last_of_its_instant = gone == len(leaving) or leaving[gone] > at
        remaining = len(leaving) - gone
        if last_of_its_instant and _meets_times(condition, remaining, context.now) is not now:
            yield at
            return


def _leave_times(condition: Condition, context: EvaluationContext) -> Iterator[datetime]:
    """The instants at which events leave the `within` window."""
    if "within" in condition:
        within = parse_duration(condition["within"])
        yield from (event.at + within for event in _events(condition, context))


def _amount(value: Any) -> float:
    """A number, or the sum of a list; any other value counts 0."""
    if isinstance(value, list):
        return _added_up(_amount(each) for each in value)
    try:
        return float(as_number(value))
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _added_up(amounts: Iterable[float]) -> float:
    """Their exact sum; infinite if no float can hold it."""
    numbers = list(amounts)
    try:
        return fsum(numbers)
    except OverflowError:
        return copysign(inf, sum(number / 2**64 for number in numbers))
    except ValueError:  # both infinities
        return 0.0


def _when(condition: Condition) -> str:
    if "within" in condition:
        return f" within {format_duration(parse_duration(condition['within']))}"
    return " since entering" if "since" in condition else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times" if count else "never"


def _show(value: Any) -> str:
    if isinstance(value, list):
        more = " ..." if len(value) > MAX_SHOWN else ""
        return ", ".join(_show(v) for v in value[:MAX_SHOWN]) + more or "empty"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


_BEHAVIOR = Leaf(
    _did,
    depends_on=lambda condition: iter((Dependency("events", _event_name(condition)),)),
    needs_windows=_windows,
    timed=lambda condition: "within" in condition,
    next_change=_count_changes,
)
LEAVES: Final[dict[str, Leaf]] = {
    "contact": _comparison(
        lambda condition, context: ("contact", context.contact, condition["contact"]),
        lambda condition: iter((Dependency("fields", root_field(condition["contact"])),)),
    ),
    "did": _BEHAVIOR,
    "did_not": _BEHAVIOR,
    "sum_of": replace(_BEHAVIOR, evaluate=_sum_of, next_change=_leave_times),
    "email": Leaf(_email, needs_emails=lambda condition: iter((condition["email"],))),
    "step": _comparison(_step, _nothing),
    "consents_to": Leaf(
        _consents_to, lambda condition: iter((Dependency("topics", condition["consents_to"]),))
    ),
    "in_workflow": _membership(
        "in_workflow", "workflows", "in workflow", lambda f: f.active_workflows
    ),
    "in_list": _membership("in_list", "fields", "on list", _lists, "lists."),
    "in_segment": _membership("in_segment", "segments", "in segment", lambda f: f.segments),
    "event": _comparison(
        lambda condition, context: ("event", context.event, condition["event"]), _nothing
    ),
}
"""By the key of the leaf in a file."""
