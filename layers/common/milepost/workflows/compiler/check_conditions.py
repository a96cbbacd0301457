"""Checks conditions: where each may be used, what it names, and whether its values compare."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from milepost.base.markdown import listed
from milepost.base.problems import Problem, did_you_mean
from milepost.conditions.file import AllOf, AnyOf, NotCondition
from milepost.conditions.leaf_files import (
    LEAF_FILES,
    ConditionFile,
    LeafFile,
    Place,
    UseKind,
    Windowed,
)
from milepost.conditions.operators import OPERATORS, Operator
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.enrollments.program import FLOWS
from milepost.templates.check import KNOWN
from milepost.workflows.language.workflow import Workflow, fields_of_its_own, walk
from milepost.workflows.step_type import ValueKind
from milepost.workflows.steps import STEPS, AnyStep, type_of
from milepost.workflows.trigger_type import ValueCheck
from milepost.workflows.triggers import type_of_trigger

Leaf = tuple[str, LeafFile, Place]
"""A condition that is no group: its location, itself, and where it is evaluated."""


def condition_leaves(workflow: Workflow) -> Iterator[Leaf]:
    """All leaves of a workflow, from top to bottom.

    A `where` is evaluated for one event: in `exit_on` and `goal` with that event only, in waits and
    behavior also with the contact.
    """
    where = getattr(workflow.trigger, "where", None)
    yield from _flat("trigger.where", where, "trigger")
    yield from _flat("audience", workflow.audience, "trigger")
    for number, ending in enumerate(workflow.exit_on):
        yield from _flat(f"exit_on[{number}].where", ending.where, "event")
    if workflow.goal:
        yield from _flat("goal.where", workflow.goal.where, "event")
    for place, step in walk(workflow.steps):
        for here, condition, of_event in type_of(step).conditions(step):
            yield from _flat(f"{place}.{here}", condition, "where" if of_event else "step")


def leaves_of(place: str, condition: ConditionFile | None) -> Iterator[Leaf]:
    """The leaves of a segment's condition, which can use only the contact."""
    yield from _flat(place, condition, "segment")


def check_conditions(workflow: Workflow) -> Iterator[Problem]:
    """Conditions that can never be true because their data does not exist where they stand."""
    steps = [step for _, step in walk(workflow.steps)]
    ids = [step.id for step in steps]
    sends = [step.id for step in steps if FLOWS[step.type].pending == "in_ledger"]
    for place, leaf, site in condition_leaves(workflow):
        if site not in leaf.allowed_in:
            yield _unanswerable(place, site)
            continue
        yield from check_uses(place, leaf, {"step": ids, "e-mail": sends})
        yield from check_values(place, leaf)


def check_values(place: str, leaf: LeafFile) -> Iterator[Problem]:
    """Problems of a condition that only several fields together show."""
    for problem in leaf.value_checks():
        yield replace(problem, location=f"{place}.{problem.location}")


def _unanswerable(place: str, site: Place) -> Problem:
    if site == "trigger":
        remedy = "ask it in a branch"
        return Problem(place, "asks about steps, and none has run when this is asked", remedy)
    return Problem(place, only(site), "use a branch")


def only(site: Place) -> str:
    """The reason that lists which leaves a `where` may hold."""
    kinds = [f"`{key}`" for key, model in LEAF_FILES.items() if site in model.allowed_in]
    return f"a where here can only ask about {listed(sorted(kinds, reverse=True))}"


_UNKNOWN: Final[Mapping[UseKind, tuple[str, str]]] = {
    "topic": ('settings.json has no topic "{}"', ""),
    "workflow": ('no workflow named "{}"', "upload its file"),
    "segment": ('no segment named "{}" is published', "upload segments/{}.json"),
    "step": ('no step "{}" in this workflow', ""),
    "e-mail": ('no step "{}" of this workflow sends an e-mail', ""),
}
"""The reason for an unknown name, and the remedy if no known name is similar."""


def check_uses(
    place: str, leaf: LeafFile, known: Mapping[UseKind, Collection[str]]
) -> Iterator[Problem]:
    """Whether the names in a condition exist, for the kinds in `known`."""
    for field, kind in leaf.uses:
        if kind in known:
            yield from check_name(f"{place}.{field}", kind, getattr(leaf, field), known[kind])


def check_name(place: str, kind: UseKind, name: str, known: Collection[str]) -> Iterator[Problem]:
    if name not in known:
        reason, remedy = _UNKNOWN[kind]
        yield Problem(place, reason.format(name), did_you_mean(name, known) or remedy.format(name))


def _flat(place: str, condition: ConditionFile | None, site: Place) -> Iterator[Leaf]:
    match condition:
        case AllOf():
            for number, part in enumerate(condition.all):
                yield from _flat(f"{place}.all[{number}]", part, site)
        case AnyOf():
            for number, part in enumerate(condition.any):
                yield from _flat(f"{place}.any[{number}]", part, site)
        case NotCondition():
            yield from _flat(f"{place}.not", condition.not_, site)
        case LeafFile():
            yield place, condition, site
            if isinstance(condition, Windowed):
                yield from _flat(f"{place}.where", condition.where, "where")


_CONTACT: Final[Mapping[str, ValueKind]] = {
    "email": "text", **dict.fromkeys(CONTACT_FIELDS, "text"), "stage": "text", "score": "number",
}  # fmt: skip
"""Contact fields with one value type. An `external_id` may be compared as a number."""

STEP_RESULTS: Final[Mapping[str, Mapping[str, ValueKind]]] = {
    step.name: step.results for step in STEPS if step.results
}
"""The parts of `steps.<id>` by step type. Other steps have no results."""

_WORDS: Final[Mapping[ValueKind, str]] = {
    "text": "a text", "number": "a number", "flag": "true or false", "any": "any value",
}  # fmt: skip
_TYPES: Final[Mapping[ValueKind, tuple[type, ...]]] = {
    "text": (str,), "number": (int, float), "flag": (bool,), "any": (object,),
}  # fmt: skip
_PARTS = re.compile(r"\.|\[\]\.?")


class ValueType(NamedTuple):
    """The type of a value, or the problem with its path."""

    kind: ValueKind = "any"
    reason: str = ""
    remedy: str = ""


def check_types(workflow: Workflow) -> Iterator[Problem]:
    """Paths without any value, and comparisons that can never be true."""
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
    """Whether a condition compares an existing value with a comparable one."""
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
    """Whether a value of a file has this type. (In Python, True is also a number.)"""
    truth = isinstance(given, bool)
    return kind == "any" or (isinstance(given, _TYPES[kind]) and (truth is (kind == "flag")))


def _places(step: AnyStep) -> Iterator[tuple[str, str]]:
    """The data paths that a step uses, each with its field."""
    yield from type_of(step).data_paths(step)
    for name, value in fields_of_its_own(step).items():
        yield from ((name, path) for path in _taken(value))


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
