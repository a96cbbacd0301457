"""Conditions in words: `the event's total is at least 20 and the contact consents to offers`."""

from collections.abc import Callable, Mapping
from typing import Any

from milepost.base.markdown import bold, code, lasting, listed, quoted, times, value
from milepost.conditions.file import (
    All,
    Any_,
    Condition,
    ConsentsTo,
    ContactIs,
    Did,
    DidNot,
    EmailWas,
    EventIs,
    InList,
    InSegment,
    InWorkflow,
    Not,
    StepIs,
    SumOf,
    Times,
)

OPERATORS: Mapping[str, Callable[[Any], str]] = {
    "is": lambda bound: f"is {value(bound)}",
    "is_not": lambda bound: f"is there and not {value(bound)}",
    "in": lambda bound: f"is {_choice(bound)}",
    "not_in": lambda bound: f"is there and neither {_choice(bound, 'nor')}",
    "contains": lambda bound: f"contains {quoted(bound)}",
    "starts_with": lambda bound: f"begins with {quoted(bound)}",
    "ends_with": lambda bound: f"ends with {quoted(bound)}",
    "gt": lambda bound: f"is more than {value(bound)}",
    "gte": lambda bound: f"is at least {value(bound)}",
    "lt": lambda bound: f"is less than {value(bound)}",
    "lte": lambda bound: f"is at most {value(bound)}",
    "between": lambda bound: f"is between {value(bound[0])} and {value(bound[1])}",
    "exists": lambda bound: "is there" if bound else "is missing",
    "before": lambda bound: f"is before {quoted(bound)}",
    "after": lambda bound: f"is after {quoted(bound)}",
    "within_last": lambda bound: f"was in the last {lasting(bound)}",
    "within_next": lambda bound: f"is in the next {lasting(bound)}",
    "anniversary_within": lambda bound: f"has its anniversary in the next {lasting(bound)}",
}
"""For each operator its predicate; several bounds of a sum are joined by `and`."""

_OFTEN: Mapping[str, str] = {
    "is": "exactly", "gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most",
}  # fmt: skip


def say_condition(condition: Condition, whose: str = "the event's") -> str:
    """A condition as a clause, in Markdown. `whose` data an `event` path looks into."""
    return _SAY[type(condition)](condition, whose)


def _inside(condition: Condition, whose: str) -> str:
    """A part of a group: in brackets where it is a group of several itself."""
    said = say_condition(condition, whose)
    several = isinstance(condition, All | Any_) and len(_parts(condition)) > 1
    return f"({said})" if several else said


def _parts(group: All | Any_) -> list[Condition]:
    return group.all if isinstance(group, All) else group.any


def _compared(condition: ContactIs | EventIs | StepIs | SumOf) -> str:
    given = condition.model_dump(by_alias=True, exclude_none=True)
    return listed([say(given[name]) for name, say in OPERATORS.items() if name in given])


def _choice(bound: list[Any], last: str = "or") -> str:
    return listed([value(each) for each in bound], last)


def _often(counts: Times) -> str:
    given = counts.model_dump(by_alias=True, exclude_none=True)
    return listed(
        [f"{word} {times(given[name])}" for name, word in _OFTEN.items() if name in given]
    )


def _windowed(condition: Did | DidNot | SumOf) -> str:
    said = ""
    if condition.within:
        said += f" in the last {lasting(condition.within)}"
    if condition.since:
        said += " since entering"
    if condition.where:
        said += f" (counting only where {say_condition(condition.where, 'its')})"
    return said


def _did(condition: Did, _: str) -> str:
    often = f" {_often(condition.times)}" if condition.times else ""
    return f"the contact did {bold(condition.did)}{often}{_windowed(condition)}"


def _did_not(condition: DidNot, _: str) -> str:
    often = f" {_often(condition.times)}" if condition.times else ""
    return f"the contact did not do {bold(condition.did_not)}{often}{_windowed(condition)}"


def _sum_of(condition: SumOf, _: str) -> str:
    events = f"{bold(condition.sum_of)}{_windowed(condition)}"
    return f"the sum of {code(condition.of)} over {events} {_compared(condition)}"


def _email(condition: EmailWas, _: str) -> str:
    link = f" at {quoted(condition.link)}" if condition.link else ""
    machines = " (what machines did of their own accord counts too)" if condition.machines else ""
    fate = "complained about" if condition.was == "complained" else condition.was
    return f"the e-mail of step {code(condition.email)} was {fate}{link}{machines}"


_SAY: Mapping[type, Callable[[Any, str], str]] = {
    All: lambda c, whose: listed([_inside(part, whose) for part in c.all]),
    Any_: lambda c, whose: listed([_inside(part, whose) for part in c.any], "or"),
    Not: lambda c, whose: f"it is not so that ({say_condition(c.not_, whose)})",
    ContactIs: lambda c, _: f"the contact's {code(c.contact)} {_compared(c)}",
    EventIs: lambda c, whose: f"{whose} {code(c.event)} {_compared(c)}",
    StepIs: lambda c, _: f"the {code(c.output)} of step {code(c.step)} {_compared(c)}",
    Did: _did,
    DidNot: _did_not,
    SumOf: _sum_of,
    EmailWas: _email,
    ConsentsTo: lambda c, _: f"the contact consents to {code(c.consents_to)}",
    InWorkflow: lambda c, _: f"the contact is inside the workflow {code(c.in_workflow)}",
    InList: lambda c, _: f"the contact is on the list {code(c.in_list)}",
    InSegment: lambda c, _: f"the contact is in the segment {code(c.in_segment)}",
}
