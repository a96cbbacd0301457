"""Of what kind a value is, where that is known, and whether a workflow asks it what it can answer.

A condition on a field that nobody has, or of the wrong type, is false for everybody and for ever:
it must be found before anybody comes in. What a shop puts into events and properties is its own
business: there the reason is told when the condition is asked (see `conditions/evaluate.py`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from milepost.base.problems import Problem, did_you_mean
from milepost.conditions.leaf_files import LeafFile
from milepost.conditions.operators import OPERATORS, Operator
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.templates.check import KNOWN
from milepost.workflows.compiler.condition_refs import condition_leaves
from milepost.workflows.language.tree import fields_of_its_own, walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.step_type import ValueKind
from milepost.workflows.steps import STEPS, AnyStep, type_of
from milepost.workflows.trigger_type import ValueCheck
from milepost.workflows.triggers import type_of_trigger

_CONTACT: Final[Mapping[str, ValueKind]] = {
    "email": "text", **dict.fromkeys(CONTACT_FIELDS, "text"), "stage": "text", "score": "number",
}  # fmt: skip
"""Fields of a contact that hold one kind only. An `external_id` may be compared as a number."""

STEP_RESULTS: Final[Mapping[str, Mapping[str, ValueKind]]] = {
    step.name: step.results for step in STEPS if step.results
}
"""What steps come to, by their type: the parts of `steps.<id>`. Other steps come to nothing."""

_WORDS: Final[Mapping[ValueKind, str]] = {
    "text": "a text", "number": "a number", "flag": "true or false", "any": "any value",
}  # fmt: skip
_TYPES: Final[Mapping[ValueKind, tuple[type, ...]]] = {
    "text": (str,), "number": (int, float), "flag": (bool,), "any": (object,),
}  # fmt: skip
_PARTS = re.compile(r"\.|\[\]\.?")


class ValueType(NamedTuple):
    """What is known of a value: its kind, or what is wrong with its place."""

    kind: ValueKind = "any"
    reason: str = ""
    remedy: str = ""


def check_types(workflow: Workflow) -> Iterator[Problem]:
    """Values that nobody has, and comparisons that can never hold."""
    types = {step.id: step.type for _, step in walk(workflow.steps)}
    for check in type_of_trigger(workflow.trigger).value_checks(workflow.trigger):
        yield from _of_trigger(check)
    for place, condition, _ in condition_leaves(workflow):
        yield from check_compared(place, condition, types)
    for place, step in walk(workflow.steps):
        for where, path in _places(step):
            value = _at(path, types)
            if value.reason:
                here = f"{place}.{where}" if where else place
                yield Problem(here, f"{path}: {value.reason}", value.remedy)


def check_compared(
    place: str, leaf: LeafFile, types: Mapping[str, str] | None = None
) -> Iterator[Problem]:
    """Whether a condition compares a value that there is, with what it can be compared with."""
    if leaf.looks_at is None:
        return
    field, path = leaf.looks_at
    given = leaf.model_dump(by_alias=True, exclude_none=True)
    value = _at(path.format_map(given), types or {})
    if value.reason:
        yield Problem(f"{place}.{field}", value.reason, value.remedy)
        return
    for name, operator in OPERATORS.items():
        if name in given and not _can_compare(operator, given[name], value.kind):
            reason = f"{given[field]} is {_WORDS[value.kind]}, and cannot be compared with this"
            yield Problem(f"{place}.{name}", reason, _remedy(value.kind))


def _can_compare(operator: Operator, bound: Any, kind: ValueKind) -> bool:
    if kind == "any":
        return True
    bounds = bound if isinstance(bound, list) else [bound]
    fits = operator.bound not in ("value", "values") or all(_is(each, kind) for each in bounds)
    return fits and kind in operator.compares


def _of_trigger(check: ValueCheck) -> Iterator[Problem]:
    path, value = check.path, _of_contact(check.path)
    if value.reason:
        yield Problem("trigger.field", value.reason, value.remedy)
    elif check.date and value.kind != "any":
        yield Problem("trigger.field", f"{path} is {_WORDS[value.kind]}, and no date")
    elif check.number and value.kind not in ("number", "any"):
        reason = f"{path} is {_WORDS[value.kind]}, and only a number crosses another"
        yield Problem(f"trigger.{check.number}", reason, 'use "from" and "to"')
    for name, given in check.bounds.items():
        if given is not None and not _is(given, value.kind):
            yield Problem(f"trigger.{name}", f"{path} is always {_WORDS[value.kind]}")


def _remedy(kind: ValueKind) -> str:
    fits = [
        name
        for name, operator in OPERATORS.items()
        if kind in operator.compares and operator.bound != "flag"
    ]
    return f"use one of {', '.join(fits)}, with {_WORDS[kind]}"


def _is(given: Any, kind: ValueKind) -> bool:
    """Whether a value of a file is of this kind; Python takes True for a number."""
    truth = isinstance(given, bool)
    return kind == "any" or (isinstance(given, _TYPES[kind]) and (truth is (kind == "flag")))


def _places(step: AnyStep) -> Iterator[tuple[str, str]]:
    """The places from which a step takes values, each with the field that names it."""
    yield from type_of(step).data_paths(step)
    for name, said in fields_of_its_own(step).items():
        yield from ((name, place) for place in _taken(said))


def _taken(written: object) -> Iterator[str]:
    match written:
        case {"from": str(place), **rest} if not rest:
            yield place
        case dict():
            for each in written.values():
                yield from _taken(each)
        case list():
            for each in written:
                yield from _taken(each)


def _at(path: str, types: Mapping[str, str]) -> ValueType:
    root, _, rest = path.partition(".")
    if root == "contact":
        return _of_contact(rest)
    if root == "steps":
        step, _, output = rest.partition(".")
        return _of_step(step, types[step], output) if output and step in types else ValueType()
    if (known := KNOWN.get(root)) is not None:
        return _among(rest, known, f"{root} has no")
    return ValueType()


def _of_contact(path: str) -> ValueType:
    head, *below = _PARTS.split(path)
    if head == "lists" and below:
        return ValueType("flag")
    if head in (KNOWN["contact"] or ()):
        return ValueType("any" if below else _CONTACT.get(head, "any"))
    remedy = did_you_mean(head, KNOWN["contact"] or ()) or (
        f"what only your shop knows of a contact is in properties.{head}"
    )
    return ValueType(reason=f'a contact has no "{head}"', remedy=remedy)


def _of_step(step: str, kind: str, path: str) -> ValueType:
    results = STEP_RESULTS.get(kind, {})
    if not results:
        return ValueType(reason=f'the step "{step}" ({kind}) has no result to look at')
    found = _among(path, results, f'the step "{step}" ({kind}) has no')
    head, *below = _PARTS.split(path)
    return found if found.reason or below else ValueType(results[head])


def _among(path: str, known: Mapping[str, Any] | frozenset[str], lacks: str) -> ValueType:
    head = _PARTS.split(path)[0]
    if head in known:
        return ValueType()
    remedy = did_you_mean(head, known) or f"there is {', '.join(sorted(known))}"
    return ValueType(reason=f'{lacks} "{head}"', remedy=remedy)
