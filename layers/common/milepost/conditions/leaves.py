"""Leaves: what a condition may ask of a contact. A leaf is one row of `LEAVES`.

`conditions.leaf_files` has the row of the side that reads and describes files. A leaf with a
`where` is shown only those events that meet it: `conditions.evaluate` sees to that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import copysign, fsum, inf
from typing import Any, Final, Literal, NamedTuple

from milepost.base import instants
from milepost.base.durations import format_duration, parse_duration
from milepost.base.paths import MISSING, get_path
from milepost.conditions.context import (
    Condition,
    ConditionResult,
    EvaluationContext,
    EventWindow,
    PastEvent,
)
from milepost.conditions.operators import OPERATORS, as_number, changes, compare, count_words, words

ANY_FIELD = "*"
"""The field of a condition that could look anywhere in the contact."""

SCORE = "score"
"""The one field of a contact that changes with time alone."""

MOST_SAID = 5
"""Of a list of values, a reason names so many."""


class Dependency(NamedTuple):
    """One thing that has a condition evaluated again when it changes."""

    kind: Literal["events", "fields", "topics", "workflows", "segments"]
    name: str


def _nothing(*_: Any) -> Iterator[Any]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is known of a leaf when it runs. None of these may raise.

    `depends_on` says which changes have the condition evaluated again. What has to be loaded
    beforehand: `needs_windows` of the timeline, at a time and for a contact that entered at
    another, and `needs_emails`, by their steps. `timed` says whether time alone may change the
    answer at all; `next_change` gives the instants at which it can, if nothing happens.
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


class _Looked(NamedTuple):
    """The value that a comparison looks at: what reasons call it, its data, and the path there."""

    name: str
    data: Any
    path: str


def _comparison(
    looks: Callable[[Condition, EvaluationContext], _Looked],
    depends_on: Callable[[Condition], Iterator[Dependency]] = _nothing,
) -> Leaf:
    def evaluate(condition: Condition, facts: EvaluationContext) -> ConditionResult:
        return _compared(looks(condition, facts), condition, facts.now)

    def next_change(condition: Condition, facts: EvaluationContext) -> Iterator[datetime]:
        looked = looks(condition, facts)
        if condition.get("contact") == SCORE:
            yield from (at for at, _ in facts.score_decays)
        name = _operator(condition)
        value = get_path(looked.data, looked.path)
        yield from changes(OPERATORS[name], value, condition[name], facts.now)

    return Leaf(evaluate, depends_on, timed=_is_timed, next_change=next_change)


def _is_timed(condition: Condition) -> bool:
    timed = OPERATORS[_operator(condition)].changes_at is not None
    return timed or condition.get("contact") == SCORE


def _operator(condition: Condition) -> str:
    return next(name for name in OPERATORS if name in condition)


def _compared(looked: _Looked, condition: Condition, now: datetime) -> ConditionResult:
    value, name = get_path(looked.data, looked.path), _operator(condition)
    operator, bound = OPERATORS[name], condition[name]
    missing = value is MISSING or value is None
    met = compare(operator, value, bound, now)
    if missing:
        return ConditionResult(
            operator.of_several == "whole" and met is True, f"{looked.name} is missing"
        )
    strange = ", which cannot be compared" if met is None else ""
    rule = words({name: bound}, _say, MOST_SAID)
    return ConditionResult(
        met is True, f"{looked.name} is {_say(value)}{strange} (condition: {rule})"
    )


def _contact(condition: Condition, facts: EvaluationContext) -> _Looked:
    path = condition["contact"]
    return _Looked(f"contact.{path}", facts.contact, path)


def _event(condition: Condition, facts: EvaluationContext) -> _Looked:
    path = condition["event"]
    return _Looked(f"event.{path}", facts.event, path)


def _step(condition: Condition, facts: EvaluationContext) -> _Looked:
    step, path = condition["step"], condition["output"]
    return _Looked(f"steps.{step}.{path}", facts.steps.get(step, {}), path)


def _field(condition: Condition) -> Iterator[Dependency]:
    yield Dependency("fields", root_field(condition["contact"]))


def root_field(path: str) -> str:
    """The field of a profile that a path begins with: `properties.plan` for `properties.plan.id`.

    `*` if it could be any of them.
    """
    home, _, rest = path.partition(".")
    if home not in {"properties", "lists", "segments"}:
        return home.removesuffix("[]")
    key = rest.partition(".")[0].removesuffix("[]")
    return f"{home}.{key}" if key else ANY_FIELD


# --- memberships --------------------------------------------------------------------------------


def _in_list(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    name = condition["in_list"]
    on = facts.contact.get("lists", {}).get(name) is True
    return ConditionResult(on, f"is {_un(on)}on list {name}")


def _in_segment(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    name = condition["in_segment"]
    inside = name in facts.segments
    return ConditionResult(inside, f"is {_un(inside)}in segment {name}")


def _consents_to(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    topic = condition["consents_to"]
    state = facts.consent.get(topic)
    said = {"granted": "consents to", "withdrawn": "has withdrawn consent to"}
    return ConditionResult(
        state == "granted", f"{said.get(state or '', 'never consented to')} {topic}"
    )


def _in_workflow(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    name = condition["in_workflow"]
    inside = name in facts.active_workflows
    return ConditionResult(inside, f"is {_un(inside)}in workflow {name}")


def _un(value: bool) -> str:
    return "" if value else "not "


# --- e-mails ------------------------------------------------------------------------------------


def _email(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    step, was = condition["email"], condition["was"]
    message = facts.emails.get(step, {})
    include_bots = condition.get("include_bots", False)
    if was == "clicked" and "link" in condition:
        value = _clicked(condition["link"], message, include_bots)
        return ConditionResult(value, f"e-mail {step}: {condition['link']} was {_un(value)}clicked")
    value = bool(message.get(f"{was}_at") or (include_bots and message.get(f"bot_{was}_at")))
    return ConditionResult(value, f"e-mail {step} was {_un(value)}{was}")


def _clicked(link: str, message: Mapping[str, Any], include_bots: bool) -> bool:
    if link not in message.get("links", ()):
        return False
    if include_bots or "human_links" not in message:
        return True
    from milepost.base.link_mark import link_mark  # few conditions name a link

    return link_mark(link) in message["human_links"]


# --- behavior -----------------------------------------------------------------------------------

_ONCE: Mapping[str, Any] = {"gte": 1}


def _did(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    negated = "did_not" in condition
    name = _event_name(condition)
    count = _count(name, condition, facts)
    enough = _meets_times(condition, count, facts.now)
    needs = count_words(condition.get("times") or _ONCE, str)
    rule = f"must not have {needs}" if negated else f"needs {needs}"
    return ConditionResult(
        enough is not negated, f"did {name} {_times(count)}{_when(condition)}, {rule}"
    )


def _sum_of(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    total = _added_up(
        _amount(get_path(happening.data, condition["of"])) for happening in _seen(condition, facts)
    )
    name = f"{condition['of']} of {condition['sum_of']}"
    when, rule = _when(condition), words(condition, _say)
    met = _meets(condition, total, facts.now)
    return ConditionResult(met, f"{name} comes to {_say(total)}{when} (condition: {rule})")


def _meets(bounds: Mapping[str, Any], number: float, now: datetime) -> bool:
    asked = [(each, bounds[name]) for name, each in OPERATORS.items() if name in bounds]
    return all(compare(operator, number, bound, now) for operator, bound in asked)


def _meets_times(condition: Condition, count: int, now: datetime) -> bool:
    """Whether something was done as often as `did` or `did_not` names."""
    return _meets(condition.get("times") or _ONCE, count, now)


def _count(name: str, condition: Condition, facts: EvaluationContext) -> int:
    if not _answered_by_totals(condition):
        return len(_seen(condition, facts))
    total = facts.metrics.get(name)
    if total is None:
        return 0
    if "since" not in condition:
        return int(total["count"])
    return int(facts.entered_at is None or instants.parse_instant(total["last"]) > facts.entered_at)


def _answered_by_totals(condition: Condition) -> bool:
    """Totals know how often ever, and whether the last time was after some instant."""
    if "sum_of" in condition or "where" in condition or "within" in condition:
        return False
    return "since" not in condition or condition.get("times") in (None, {"gte": 1})


def _happened(condition: Condition) -> Iterator[Dependency]:
    yield Dependency("events", _event_name(condition))


def _windows(
    condition: Condition, now: datetime, entered_at: datetime | None
) -> Iterator[EventWindow]:
    """The timeline windows this condition reads beyond the totals on the profile."""
    if not _answered_by_totals(condition):
        yield _window(condition, now, entered_at)


def _window(condition: Condition, now: datetime, entered_at: datetime | None) -> EventWindow:
    since = entered_at if "since" in condition else None
    if "within" in condition:
        since = now - parse_duration(condition["within"])
    return EventWindow(_event_name(condition), since)


def _seen(condition: Condition, facts: EvaluationContext) -> Sequence[PastEvent]:
    return facts.windows.get(_window(condition, facts.now, facts.entered_at), ())


def _event_name(condition: Condition) -> str:
    return str(condition.get("did") or condition.get("did_not") or condition["sum_of"])


def _count_changes(condition: Condition, facts: EvaluationContext) -> Iterator[datetime]:
    """What is counted in a window becomes less, one after the other: when that is no longer, or
    only then, as often as is asked for."""
    leaving = sorted(_leavings(condition, facts))
    now = _meets_times(condition, len(leaving), facts.now)
    for gone, at in enumerate(leaving, 1):
        last_of_its_instant = gone == len(leaving) or leaving[gone] > at
        left = len(leaving) - gone
        if last_of_its_instant and _meets_times(condition, left, facts.now) is not now:
            yield at
            return


def _leavings(condition: Condition, facts: EvaluationContext) -> Iterator[datetime]:
    """The instants at which what has been done is no longer within the time asked for."""
    if "within" in condition:
        within = parse_duration(condition["within"])
        yield from (happening.at + within for happening in _seen(condition, facts))


def _amount(value: Any) -> float:
    """A number, or the sum of several; anything else adds nothing."""
    if isinstance(value, list):
        return _added_up(_amount(each) for each in value)
    try:
        return float(as_number(value))
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _added_up(amounts: Iterable[float]) -> float:
    """Their exact sum; infinite if no float can hold it."""
    all_of_them = list(amounts)
    try:
        return fsum(all_of_them)
    except OverflowError:
        return copysign(inf, sum(amount / 2**64 for amount in all_of_them))
    except ValueError:  # infinite this way and that
        return 0.0


def _when(condition: Condition) -> str:
    if "within" in condition:
        return f" within {format_duration(parse_duration(condition['within']))}"
    return " since entering" if "since" in condition else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times" if count else "never"


def _say(value: Any) -> str:
    if isinstance(value, list):
        more = " ..." if len(value) > MOST_SAID else ""
        return ", ".join(_say(v) for v in value[:MOST_SAID]) + more or "empty"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _names(
    kind: Literal["fields", "topics", "workflows", "segments"], key: str, prefix: str = ""
) -> Callable[[Condition], Iterator[Dependency]]:
    """A leaf that is about what it names."""
    return lambda condition: iter((Dependency(kind, f"{prefix}{condition[key]}"),))


def _is_within(condition: Condition) -> bool:
    return "within" in condition


_BEHAVIOR = Leaf(
    _did,
    depends_on=_happened,
    needs_windows=_windows,
    timed=_is_within,
    next_change=_count_changes,
)
LEAVES: Final[dict[str, Leaf]] = {
    "contact": _comparison(_contact, _field),
    "did": _BEHAVIOR,
    "did_not": _BEHAVIOR,
    "sum_of": replace(_BEHAVIOR, evaluate=_sum_of, next_change=_leavings),
    "email": Leaf(_email, needs_emails=lambda condition: iter((condition["email"],))),
    "step": _comparison(_step),
    "consents_to": Leaf(_consents_to, _names("topics", "consents_to")),
    "in_workflow": Leaf(_in_workflow, _names("workflows", "in_workflow")),
    "in_list": Leaf(_in_list, _names("fields", "in_list", "lists.")),
    "in_segment": Leaf(_in_segment, _names("segments", "in_segment")),
    "event": _comparison(_event),
}
"""By the key that names a leaf in the file."""
