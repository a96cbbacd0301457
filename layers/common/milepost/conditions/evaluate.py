"""Conditions: what may be asked of a contact, answered with the reason in words.

Evaluation is total. A missing field is false, a value of the wrong type is false and says so;
nothing raises. The shapes were checked when the workflow was published (see `language`), so
here a condition is the plain JSON of the compiled program.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from math import copysign, fsum, inf, isfinite
from typing import Any, NamedTuple

from milepost.base import instants
from milepost.base.durations import parse_duration, say_duration
from milepost.base.paths import MISSING, look_up
from milepost.conditions.context import Facts, Happening, Window

Condition = Mapping[str, Any]


class Verdict(NamedTuple):
    """The answer and the reason for it, in words."""

    value: bool
    why: str


def evaluate(condition: Condition, facts: Facts) -> Verdict:
    """Answer a condition of the workflow language for one contact at `facts.now`."""
    for key, answer in _LEAVES.items():
        if key in condition:
            return answer(condition, facts)
    raise ValueError(f"not a condition: {sorted(condition)}")


def windows_needed(
    condition: Condition, now: datetime, entered_at: datetime | None
) -> Iterator[Window]:
    """The timeline windows this condition reads beyond the totals on the profile."""
    for part in condition.get("all", ()) or condition.get("any", ()):
        yield from windows_needed(part, now, entered_at)
    if "not" in condition:
        yield from windows_needed(condition["not"], now, entered_at)
    if "sum_of" in condition:
        yield _window(condition, now, entered_at)
    if ("did" in condition or "did_not" in condition) and not _answered_by_totals(condition):
        yield _window(condition, now, entered_at)


def emails_needed(condition: Condition) -> Iterator[str]:
    """The ids of the `send_email` steps whose fate this condition asks about."""
    for part in condition.get("all", ()) or condition.get("any", ()):
        yield from emails_needed(part)
    if "not" in condition:
        yield from emails_needed(condition["not"])
    if "email" in condition:
        yield condition["email"]


# --- groups -------------------------------------------------------------------------------------


def _all(condition: Condition, facts: Facts) -> Verdict:
    verdicts = [evaluate(part, facts) for part in condition["all"]]
    refused = next((v for v in verdicts if not v.value), None)
    return refused or Verdict(True, " and ".join(v.why for v in verdicts))


def _any(condition: Condition, facts: Facts) -> Verdict:
    verdicts = [evaluate(part, facts) for part in condition["any"]]
    accepted = next((v for v in verdicts if v.value), None)
    return accepted or Verdict(False, " and ".join(v.why for v in verdicts))


def _not(condition: Condition, facts: Facts) -> Verdict:
    inner = evaluate(condition["not"], facts)
    return Verdict(not inner.value, inner.why)


# --- leaves -------------------------------------------------------------------------------------


def _contact(condition: Condition, facts: Facts) -> Verdict:
    path = condition["contact"]
    return _compare(f"contact.{path}", path, facts.contact, condition, facts.now)


def _event(condition: Condition, facts: Facts) -> Verdict:
    path = condition["event"]
    return _compare(f"event.{path}", path, facts.event, condition, facts.now)


def _step(condition: Condition, facts: Facts) -> Verdict:
    outcome = facts.steps.get(condition["step"], {})
    path = condition["output"]
    return _compare(f"steps.{condition['step']}.{path}", path, outcome, condition, facts.now)


def _in_list(condition: Condition, facts: Facts) -> Verdict:
    name = condition["in_list"]
    on = facts.contact.get("lists", {}).get(name) is True
    return Verdict(on, f"is {_un(on)}on list {name}")


def _in_segment(condition: Condition, facts: Facts) -> Verdict:
    name = condition["in_segment"]
    inside = name in facts.segments
    return Verdict(inside, f"is {_un(inside)}in segment {name}")


def _consents_to(condition: Condition, facts: Facts) -> Verdict:
    topic = condition["consents_to"]
    state = facts.consent.get(topic)
    said = {"granted": "consents to", "withdrawn": "has withdrawn consent to"}
    return Verdict(state == "granted", f"{said.get(state or '', 'never consented to')} {topic}")


def _in_workflow(condition: Condition, facts: Facts) -> Verdict:
    name = condition["in_workflow"]
    inside = name in facts.inside
    return Verdict(inside, f"is {'' if inside else 'not '}in workflow {name}")


def _email(condition: Condition, facts: Facts) -> Verdict:
    step, was = condition["email"], condition["was"]
    message = facts.emails.get(step, {})
    machines = condition.get("machines", False)
    if was == "clicked" and "link" in condition:
        value = _clicked(condition["link"], message, machines)
        return Verdict(value, f"e-mail {step}: {condition['link']} was {_un(value)}clicked")
    value = bool(message.get(f"{was}_at") or (machines and message.get(f"machine_{was}_at")))
    return Verdict(value, f"e-mail {step} was {_un(value)}{was}")


def _clicked(link: str, message: Mapping[str, Any], machines: bool) -> bool:
    if link not in message.get("links", ()):
        return False
    if machines or "human_links" not in message:
        return True
    from milepost.base.link_mark import link_mark  # few conditions name a link

    return link_mark(link) in message["human_links"]


def _un(value: bool) -> str:
    return "" if value else "not "


def _did(condition: Condition, facts: Facts) -> Verdict:
    negated = "did_not" in condition
    name = condition["did_not"] if negated else condition["did"]
    wanted: Mapping[str, Any] = condition.get("times") or _ONCE
    count = _count(name, condition, facts)
    enough = is_enough(condition, count)
    needs = " and ".join(f"{_WORDS[op]} {bound}" for op, bound in wanted.items())
    rule = f"must not have {needs}" if negated else f"needs {needs}"
    return Verdict(enough is not negated, f"did {name} {_times(count)}{_when(condition)}, {rule}")


def is_enough(condition: Condition, count: int) -> bool:
    """Whether something was done as often as `did` or `did_not` names."""
    wanted: Mapping[str, Any] = condition.get("times") or _ONCE
    return all(_NUMBERS[op](count, bound) for op, bound in wanted.items())


def _sum_of(condition: Condition, facts: Facts) -> Verdict:
    window = _window(condition, facts.now, facts.entered_at)
    where = condition.get("where")
    total = _added_up(
        _amount(look_up(happening.data, condition["of"]))
        for happening in facts.windows.get(window, ())
        if where is None or evaluate(where, seen_by(facts, happening)).value
    )
    bounds = {op: condition[op] for op in ("gt", "gte", "lt", "lte") if op in condition}
    needs = " and ".join(f"{_WORDS[op]} {_say(bound)}" for op, bound in bounds.items())
    met = all(_NUMBERS[op](total, bound) for op, bound in bounds.items())
    name = f"{condition['of']} of {condition['sum_of']}"
    return Verdict(met, f"{name} comes to {_say(total)}{_when(condition)}, needs {needs}")


def _amount(value: Any) -> float:
    """A number, or the sum of several; anything else adds nothing."""
    if isinstance(value, list):
        return _added_up(_amount(each) for each in value)
    try:
        return 0.0 if isinstance(value, bool) else float(_number(value))
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
        return f" within {say_duration(parse_duration(condition['within']))}"
    return " since entering" if "since" in condition else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times" if count else "never"


def _answered_by_totals(condition: Condition) -> bool:
    """Totals know how often ever, and whether the last time was after some instant."""
    if "where" in condition or "within" in condition:
        return False
    return "since" not in condition or condition.get("times") in (None, {"gte": 1})


def _count(name: str, condition: Condition, facts: Facts) -> int:
    if _answered_by_totals(condition):
        total = facts.metrics.get(name)
        if total is None:
            return 0
        if "since" not in condition:
            return int(total["count"])
        return int(facts.entered_at is None or instants.parse(total["last"]) > facts.entered_at)
    window = _window(condition, facts.now, facts.entered_at)
    where = condition.get("where")
    return sum(
        1
        for happening in facts.windows.get(window, ())
        if where is None or evaluate(where, seen_by(facts, happening)).value
    )


def seen_by(facts: Facts, happening: Happening) -> Facts:
    """What the `where` of a behavior may ask about."""
    return Facts(now=facts.now, contact=facts.contact, event=happening.data)


def _window(condition: Condition, now: datetime, entered_at: datetime | None) -> Window:
    since = entered_at if "since" in condition else None
    if "within" in condition:
        since = now - parse_duration(condition["within"])
    name = condition.get("did") or condition.get("did_not") or condition["sum_of"]
    return Window(name, since)


_LEAVES: dict[str, Callable[[Condition, Facts], Verdict]] = {
    "all": _all,
    "any": _any,
    "not": _not,
    "contact": _contact,
    "did": _did,
    "did_not": _did,
    "sum_of": _sum_of,
    "email": _email,
    "step": _step,
    "in_list": _in_list,
    "in_segment": _in_segment,
    "consents_to": _consents_to,
    "in_workflow": _in_workflow,
    "event": _event,
}

# --- operators ----------------------------------------------------------------------------------

_ONCE: Mapping[str, Any] = {"gte": 1}
_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda a, b: a == b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "between": lambda a, b: b[0] <= a <= b[1],
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda a, b: b.casefold() in a.casefold(),
    "starts_with": lambda a, b: a.casefold().startswith(b.casefold()),
    "ends_with": lambda a, b: a.casefold().endswith(b.casefold()),
}
_WORDS = {
    "is": "exactly", "is_not": "anything but", "in": "one of", "not_in": "none of",
    "contains": "to contain", "starts_with": "to start with", "ends_with": "to end with",
    "gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most",
    "between": "between", "before": "a time before", "after": "a time after",
    "within_last": "a time within the last", "within_next": "a time within the next",
    "anniversary_within": "an anniversary within",
}  # fmt: skip
OPERATORS = (*_WORDS, "exists")
TIMES = ("within_last", "within_next", "anniversary_within")
"""The operators whose answer can change while the value stays."""

_NEGATIVE = {"is_not": "is", "not_in": "in"}


def _compare(name: str, path: str, data: Any, condition: Condition, now: datetime) -> Verdict:
    value = look_up(data, path)
    operator = next(op for op in OPERATORS if op in condition)
    bound = condition[operator]
    if operator == "exists":
        there = value is not MISSING and value is not None and value != []
        return Verdict(there is bound, f"{name} is {'there' if there else 'missing'}")
    if value is MISSING or value is None:
        return Verdict(False, f"{name} is missing")
    needs = f"needs {_WORDS[operator]} {_say(bound)}"
    positive = _NEGATIVE.get(operator, operator)
    values = value if isinstance(value, list) else [value]
    found = [_meets_or_none(positive, each, bound, now) for each in values]
    if found and found == [None] * len(found):
        return Verdict(False, f"{name} is {_say(value)}, which cannot be compared: {needs}")
    met = True in found
    return Verdict(met is (operator == positive), f"{name} is {_say(value)}, {needs}")


def _meets_or_none(operator: str, value: Any, bound: Any, now: datetime) -> bool | None:
    """None for what cannot be compared: of several values it must not hide the others."""
    try:
        return _meets(operator, value, bound, now)
    except (TypeError, ValueError, OverflowError):
        return None


def _meets(operator: str, value: Any, bound: Any, now: datetime) -> bool:
    if operator == "is":
        return _same(value, bound)
    if operator == "in":
        return any(_same(value, option) for option in bound)
    if operator in _TEXTS:
        if not isinstance(value, str):
            raise TypeError
        return _TEXTS[operator](value, bound)
    if operator in _NUMBERS:
        if isinstance(value, bool) or isinstance(bound, bool):
            raise TypeError
        return _NUMBERS[operator](_number(value), bound)
    return _meets_time(operator, as_instant(value, now), bound, now)


def _number(value: Any) -> Any:
    """Shops send money as text: "421.88"."""
    if not isinstance(value, str):
        return value
    number = float(value)
    if not isfinite(number):  # "NaN" and "infinity" are texts that float() reads
        raise ValueError
    return number


def _same(value: Any, bound: Any) -> bool:
    """Equal, and not a truth value next to a number: Python takes True for 1."""
    return isinstance(value, bool) is isinstance(bound, bool) and bool(value == bound)


def _meets_time(operator: str, value: datetime, bound: Any, now: datetime) -> bool:
    match operator:
        case "before":
            return value < as_instant(bound, now)
        case "after":
            return value > as_instant(bound, now)
        case "within_last":
            return now - parse_duration(bound) <= value <= now
        case "within_next":
            return now <= value <= now + parse_duration(bound)
        case "anniversary_within":
            return _next_anniversary(value, now) - now <= parse_duration(bound)
    raise ValueError(f"not an operator: {operator}")


def as_instant(value: Any, now: datetime) -> datetime:
    """The instant that a value of other people's data means; TypeError or ValueError if none."""
    if not isinstance(value, str):
        raise TypeError
    if len(value) == len("2026-11-22"):
        return datetime.combine(date.fromisoformat(value), now.timetz().min, now.tzinfo)
    return instants.parse(value)


def _next_anniversary(value: datetime, now: datetime) -> datetime:
    """The next return of a day of the year; 29 February counts on 28 February in other years."""
    today = now.date()
    for year in (today.year, today.year + 1):
        try:
            day = value.date().replace(year=year)
        except ValueError:
            day = date(year, 2, 28)
        if day >= today:
            break
    return datetime.combine(day, now.timetz() if day == today else value.timetz())


def _say(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_say(v) for v in value[:5]) + (" ..." if len(value) > 5 else "") or "empty"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
