"""Leaves: what a condition may ask of a contact. A leaf is one row of `LEAVES`.

`conditions.leaf_files` has the row of the side that reads and describes files. A leaf with a
`where` is shown only those events that meet it: `conditions.evaluate` sees to that.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
"""The field of a condition that could look anywhere in the contact."""

SCORE = "score"
"""The one field of a contact that changes with time alone."""

MOST_SAID = 5
"""Of a list of values, a reason names so many."""


DependencyKind = Literal["events", "fields", "topics", "workflows", "segments"]


class Dependency(NamedTuple):
    """One thing that has a condition evaluated again when it changes."""

    kind: DependencyKind
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

_Looks = Callable[[Condition, EvaluationContext], tuple[str, Any, str]]
"""Where a comparison looks: what reasons call that, its data, and the path of the value there."""


def _comparison(looks: _Looks, depends_on: Callable[[Condition], Iterator[Dependency]]) -> Leaf:
    def evaluate(condition: Condition, facts: EvaluationContext) -> ConditionResult:
        root, data, path = looks(condition, facts)
        return _compared(f"{root}.{path}", get_path(data, path), condition, facts.now)

    def next_change(condition: Condition, facts: EvaluationContext) -> Iterator[datetime]:
        _, data, path = looks(condition, facts)
        if condition.get("contact") == SCORE:
            yield from (at for at, _ in facts.score_decays)
        for operator, bound in named(condition):
            yield from changes(operator, get_path(data, path), bound, facts.now)

    return Leaf(evaluate, depends_on, timed=_is_timed, next_change=next_change)


def _is_timed(condition: Condition) -> bool:
    near = any(operator.changes_at for operator, _ in named(condition))
    return near or condition.get("contact") == SCORE


def _compared(name: str, value: Any, condition: Condition, now: datetime) -> ConditionResult:
    operator, bound = named(condition)[0]
    met = compare(operator, value, bound, now)
    if value is MISSING or value is None:
        return ConditionResult(operator.of_several == "whole" and met is True, f"{name} is missing")
    strange = ", which cannot be compared" if met is None else ""
    rule = predicate(operator, bound, _say, MOST_SAID)
    return ConditionResult(met is True, f"{name} is {_say(value)}{strange} (condition: {rule})")


def root_field(path: str) -> str:
    """The field of a profile that a path begins with: `properties.plan` for `properties.plan.id`.

    `*` if it could be any of them.
    """
    home, _, rest = path.partition(".")
    if home not in {"properties", "lists", "segments"}:
        return home.removesuffix("[]")
    key = rest.partition(".")[0].removesuffix("[]")
    return f"{home}.{key}" if key else ANY_FIELD


def _step(condition: Condition, facts: EvaluationContext) -> tuple[str, Any, str]:
    step = condition["step"]
    return f"steps.{step}", facts.steps.get(step, {}), condition["output"]


def _membership(
    key: str,
    kind: DependencyKind,
    said: str,
    among: Callable[[EvaluationContext], Collection[str]],
    prefix: str = "",
) -> Leaf:
    def evaluate(condition: Condition, facts: EvaluationContext) -> ConditionResult:
        inside = condition[key] in among(facts)
        return ConditionResult(inside, f"is {_un(inside)}{said} {condition[key]}")

    return Leaf(evaluate, lambda c: iter((Dependency(kind, f"{prefix}{c[key]}"),)))


def _lists(facts: EvaluationContext) -> Collection[str]:
    return [name for name, on in facts.contact.get("lists", {}).items() if on is True]


def _consents_to(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    topic = condition["consents_to"]
    state = facts.consent.get(topic)
    said = {"granted": "consents to", "withdrawn": "has withdrawn consent to"}
    return ConditionResult(
        state == "granted", f"{said.get(state or '', 'never consented to')} {topic}"
    )


def _un(value: bool) -> str:
    return "" if value else "not "


def _email(condition: Condition, facts: EvaluationContext) -> ConditionResult:
    step, was = condition["email"], condition["was"]
    message = facts.emails.get(step, {})
    machines = condition.get("machines", False)
    if was == "clicked" and "link" in condition:
        value = _clicked(condition["link"], message, machines)
        return ConditionResult(value, f"e-mail {step}: {condition['link']} was {_un(value)}clicked")
    value = bool(message.get(f"{was}_at") or (machines and message.get(f"machine_{was}_at")))
    return ConditionResult(value, f"e-mail {step} was {_un(value)}{was}")


def _clicked(link: str, message: Mapping[str, Any], machines: bool) -> bool:
    if link not in message.get("links", ()):
        return False
    if machines or "human_links" not in message:
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
    return all(compare(operator, number, bound, now) for operator, bound in named(bounds))


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


_BEHAVIOR = Leaf(
    _did,
    depends_on=lambda condition: iter((Dependency("events", _event_name(condition)),)),
    needs_windows=_windows,
    timed=lambda condition: "within" in condition,
    next_change=_count_changes,
)
LEAVES: Final[dict[str, Leaf]] = {
    "contact": _comparison(
        lambda condition, facts: ("contact", facts.contact, condition["contact"]),
        lambda condition: iter((Dependency("fields", root_field(condition["contact"])),)),
    ),
    "did": _BEHAVIOR,
    "did_not": _BEHAVIOR,
    "sum_of": replace(_BEHAVIOR, evaluate=_sum_of, next_change=_leavings),
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
        lambda condition, facts: ("event", facts.event, condition["event"]), _nothing
    ),
}
"""By the key that names a leaf in the file."""
