"""Operators compare a value with a bound. An operator is one row of `OPERATORS`.

The row defines the operator's field in files and the schema, its check, its result, its words in
reasons and reports, its next change, and its line in the reference. To add an operator from
outside, add its row before `conditions.leaf_files` is imported, which makes the fields.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from operator import contains, ge, gt, le, lt
from typing import Any, Final, Literal, assert_never

from milepost.base import times
from milepost.base.paths import MISSING
from milepost.base.times import format_duration, parse_duration

ValueKind = Literal["text", "number", "flag", "date"]
BoundKind = Literal["value", "values", "text", "number", "range", "flag", "date", "duration"]
"""The bound in a file: `value` is a text, a number or a flag, `range` two numbers."""

Holds = Callable[[Any, Any, datetime], bool | None]
ChangesAt = Callable[[datetime, Any, datetime], Iterator[datetime]]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    `holds` gets a value, the bound and the time. None, TypeError, ValueError or OverflowError mean
    that it cannot compare the value. `compares` lists the types that it can compare, besides
    unknown ones. `of_several`: in a list, `one` value must match or `none`; with `whole`, `holds`
    gets the value itself, also a list or MISSING. `words` stand before the bound, `joins` before
    the last of several; `words_if_false` are for a flag, `counts` for an operator of `times`.
    `meaning` explains the field. `changes_at` gives the instants near the time at which the result
    for an instant can change; with `recurs`, more always follow.
    """

    holds: Holds
    compares: frozenset[ValueKind]
    bound: BoundKind
    words: str
    meaning: str
    counts: str = ""
    of_several: Literal["one", "none", "whole"] = "one"
    words_if_false: str = ""
    joins: str = "or"
    changes_at: ChangesAt | None = None
    recurs: bool = False


def named(condition: Mapping[str, Any]) -> list[tuple[Operator, Any]]:
    """The operators that a condition names, with their bounds."""
    return [(OPERATORS[name], bound) for name, bound in condition.items() if name in OPERATORS]


def compare(operator: Operator, value: Any, bound: Any, now: datetime) -> bool | None:
    """Whether a value, or one of several, meets the bound; None if no value is comparable."""
    if operator.of_several == "whole":
        return _holds(operator, value, bound, now)
    if not isinstance(value, list):
        met = _holds(operator, value, bound, now)
        return None if met is None else met is (operator.of_several == "one")
    found = [_holds(operator, each, bound, now) for each in value]
    if found and found == [None] * len(found):
        return None
    return (True in found) is (operator.of_several == "one")


def _holds(operator: Operator, value: Any, bound: Any, now: datetime) -> bool | None:
    """None if the value is not comparable; in a list it must not hide the other values."""
    try:
        return operator.holds(value, bound, now)
    except (TypeError, ValueError, OverflowError):
        return None


def changes(operator: Operator, value: Any, bound: Any, now: datetime) -> Iterator[datetime]:
    """The instants, at least the near ones, at which the comparison of a value can change."""
    if operator.changes_at is None or value is MISSING:
        return
    for each in value if isinstance(value, list) else [value]:
        try:
            yield from operator.changes_at(as_instant(each, now), bound, now)
        except (TypeError, ValueError, OverflowError):
            continue  # not comparable, now or later


def words(bounds: Mapping[str, Any], show: Callable[[Any], str]) -> str:
    """The comparisons that a condition makes, in words; `show` writes one value."""
    return _joined([predicate(each, bound, show) for each, bound in named(bounds)], "and")


def count_words(bounds: Mapping[str, Any], show: Callable[[Any], str]) -> str:
    """Bounds of a count, in words: `at least 2 and less than 4`."""
    return _joined([f"{each.counts} {show(bound)}" for each, bound in named(bounds)], "and")


def predicate(
    operator: Operator, bound: Any, show: Callable[[Any], str], most: int | None = None
) -> str:
    """One comparison in words, `is at least 20`, with the `most` first bounds of a list."""
    match operator.bound:
        case "flag":
            return operator.words if bound else operator.words_if_false
        case "duration":
            shown = format_duration(parse_duration(bound))
        case "range":
            shown = _joined(map(show, bound), "and")
        case "values":
            more = ["..."] if most is not None and len(bound) > most else []
            shown = _joined([*map(show, bound[:most]), *more], operator.joins)
        case "value" | "text" | "number" | "date":
            shown = show(bound)
        case _:
            assert_never(operator.bound)
    return f"{operator.words} {shown}"


def _joined(parts: Iterable[str], last: str) -> str:
    *others, final = [*parts] or [""]
    return f"{', '.join(others)} {last} {final}" if others else final


def as_number(value: Any) -> Any:
    """A number, also from text: shops send money as "421.88". Raises TypeError or ValueError."""
    if isinstance(value, bool):
        raise TypeError
    if not isinstance(value, str):
        return value
    number = float(value)
    if not isfinite(number):  # "NaN" and "infinity" are texts that float() reads
        raise ValueError
    return number


def as_instant(value: Any, now: datetime) -> datetime:
    """The instant of a date or a time in untrusted data. Raises TypeError or ValueError."""
    if not isinstance(value, str):
        raise TypeError
    if len(value) == len("2026-11-22"):
        return datetime.combine(date.fromisoformat(value), now.timetz().min, now.tzinfo)
    return times.parse_instant(value)


def _same(value: Any, bound: Any, _: datetime | None = None) -> bool:
    """Equal, but a boolean never equals a number: in Python, True == 1."""
    return isinstance(value, bool) is isinstance(bound, bool) and bool(value == bound)


def _one_of(value: Any, bound: Any, _: datetime) -> bool:
    return any(_same(value, option) for option in bound)


def _was_within(value: Any, bound: Any, now: datetime) -> bool:
    return now - parse_duration(bound) <= as_instant(value, now) <= now


def _last(at: datetime, bound: Any, _: datetime) -> Iterator[datetime]:
    yield from (at, at + parse_duration(bound) + _TICK)


def _is_within(value: Any, bound: Any, now: datetime) -> bool:
    return now <= as_instant(value, now) <= now + parse_duration(bound)


def _next(at: datetime, bound: Any, _: datetime) -> Iterator[datetime]:
    yield from (at - parse_duration(bound), at + _TICK)


def _anniversaries(at: datetime, bound: Any, now: datetime) -> Iterator[datetime]:
    """The start and the end of each anniversary, and the start of the bound before its hour."""
    width = parse_duration(bound)
    for year in range(now.year - 1, now.year + 3 + width.days // 365):
        if not 1 <= year <= 9999:
            continue
        day = _in_year(at.date(), year)
        midnight = datetime.combine(day, time.min, UTC)
        hour = datetime.combine(day, at.timetz())
        yield from (midnight, midnight + timedelta(days=1), hour - width)


def _returns_within(value: Any, bound: Any, now: datetime) -> bool:
    """Whether the next anniversary is within the bound; the whole day counts."""
    at, today = as_instant(value, now), now.date()
    day = _in_year(at.date(), today.year)
    if day < today:
        day = _in_year(at.date(), today.year + 1)
    next_time = datetime.combine(day, now.timetz() if day == today else at.timetz())
    return next_time - now <= parse_duration(bound)


def _in_year(day: date, year: int) -> date:
    """A day of the year; 29 February counts on 28 February in other years."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


_TICK = timedelta(microseconds=1)
"""A condition that holds up to and including an instant ends one tick later."""


def _text(test: Callable[[str, str], bool]) -> Holds:
    """A case-insensitive comparison of texts."""
    return lambda value, bound, _: (
        test(value.casefold(), bound.casefold()) if isinstance(value, str) else None
    )


def _number(test: Callable[[Any, Any], bool]) -> Holds:
    return lambda value, bound, _: test(as_number(value), bound)


_TEXT: frozenset[ValueKind] = frozenset({"text"})
_NUMBER: frozenset[ValueKind] = frozenset({"number"})
_DATE: frozenset[ValueKind] = frozenset({"date"})
_ANY: frozenset[ValueKind] = frozenset({"text", "number", "flag", "date"})
# fmt: off
OPERATORS: Final[dict[str, Operator]] = {
    "is": Operator(_same, _ANY, "value", "is", "It is exactly this value.", "exactly"),
    "is_not": Operator(_same, _ANY, "value", "is there and not",
        "It has a value, and not this one.", of_several="none"),
    "in": Operator(_one_of, _ANY, "values", "is", "It is one of these values."),
    "not_in": Operator(_one_of, _ANY, "values", "is there and neither",
        "It has a value, and none of these.", of_several="none", joins="nor"),
    "contains": Operator(_text(contains), _TEXT, "text", "contains",
        "The text has this in it. Capital letters do not matter."),
    "starts_with": Operator(_text(str.startswith), _TEXT, "text", "begins with",
        "The text begins with this. Capital letters do not matter."),
    "ends_with": Operator(_text(str.endswith), _TEXT, "text", "ends with",
        "The text ends with this. Capital letters do not matter."),
    "gt": Operator(_number(gt), _NUMBER, "number", "is more than",
        "The number is greater.", "more than"),
    "gte": Operator(_number(ge), _NUMBER, "number", "is at least",
        "The number is greater or the same.", "at least"),
    "lt": Operator(_number(lt), _NUMBER, "number", "is less than",
        "The number is smaller.", "less than"),
    "lte": Operator(_number(le), _NUMBER, "number", "is at most",
        "The number is smaller or the same.", "at most"),
    "between": Operator(_number(lambda a, b: b[0] <= a <= b[1]), _NUMBER, "range", "is between",
        "The number is between these two, or is one of them: `[20, 50]`."),
    "exists": Operator(lambda v, b, _: (v not in (MISSING, None, [])) is b, _ANY, "flag",
        "is there", "`true`: there is a value. `false`: there is none.",
        of_several="whole", words_if_false="is missing"),
    "before": Operator(lambda v, b, now: as_instant(v, now) < as_instant(b, now), _DATE, "date",
        "is before", "The date or time is before this one: `2027-01-31`."),
    "after": Operator(lambda v, b, now: as_instant(v, now) > as_instant(b, now), _DATE, "date",
        "is after", "The date or time is after this one: `2027-01-31`."),
    "within_last": Operator(_was_within, _DATE, "duration", "was in the last",
        "The date is in the last `7 days`.", changes_at=_last),
    "within_next": Operator(_is_within, _DATE, "duration", "is in the next",
        "The date is in the next `7 days`.", changes_at=_next),
    "anniversary_within": Operator(_returns_within, _DATE, "duration",
        "has its anniversary in the next",
        "The same day of the year comes in the next `7 days`: birthdays.",
        changes_at=_anniversaries, recurs=True),
}
# fmt: on
"""By the name in files. A condition names exactly one; a sum may name several."""
