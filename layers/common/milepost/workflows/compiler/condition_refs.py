"""Every condition of a workflow file with its place, and what cannot be asked where."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

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
from milepost.enrollments.step_flow import FLOWS
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import type_of

Leaf = tuple[str, LeafFile, Place]
"""A condition that is no group: its place, itself, and where it is asked."""


def condition_leaves(workflow: Workflow) -> Iterator[Leaf]:
    """All of them, from top to bottom.

    A `where` is asked when one event is seen, with nothing else loaded: for `exit_on` and `goal`
    that is the event alone, for waits and behavior also the contact.
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
    """Those of a condition that stands by itself, and can ask about the contact alone."""
    yield from _flat(place, condition, "segment")


def check_conditions(workflow: Workflow) -> Iterator[Problem]:
    """Conditions that could never be met, because nothing could ever answer them."""
    steps = [step for _, step in walk(workflow.steps)]
    ids = [step.id for step in steps]
    sends = [step.id for step in steps if FLOWS[step.type].pending == "in_ledger"]
    for place, leaf, asked in condition_leaves(workflow):
        if asked not in leaf.allowed_in:
            yield _unanswerable(place, asked)
            continue
        yield from check_uses(place, leaf, {"step": ids, "e-mail": sends})
        yield from check_values(place, leaf)


def check_values(place: str, leaf: LeafFile) -> Iterator[Problem]:
    """What no single field of a condition shows to be wrong."""
    for problem in leaf.value_checks():
        yield replace(problem, location=f"{place}.{problem.location}")


def _unanswerable(place: str, asked: Place) -> Problem:
    if asked == "trigger":
        remedy = "ask it in a branch"
        return Problem(place, "asks about steps, and none has run when this is asked", remedy)
    return Problem(place, only(asked), "use a branch")


def only(asked: Place) -> str:
    """Which leaves there may be in a `where`."""
    kinds = [f"`{key}`" for key, model in LEAF_FILES.items() if asked in model.allowed_in]
    return f"a where here can only ask about {listed(sorted(kinds, reverse=True))}"


_UNKNOWN: Final[Mapping[UseKind, tuple[str, str]]] = {
    "topic": ('settings.json has no topic "{}"', ""),
    "workflow": ('no workflow named "{}"', "upload its file"),
    "segment": ('no segment named "{}" is published', "upload segments/{}.json"),
    "step": ('no step "{}" in this workflow', ""),
    "e-mail": ('no step "{}" of this workflow sends an e-mail', ""),
}
"""What is wrong with a name that does not exist, and what to do if none is like it."""


def check_uses(
    place: str, leaf: LeafFile, known: Mapping[UseKind, Collection[str]]
) -> Iterator[Problem]:
    """Whether the names exist that a condition uses, of those kinds that are `known`."""
    for field, kind in leaf.uses:
        if kind in known:
            yield from check_name(f"{place}.{field}", kind, getattr(leaf, field), known[kind])


def check_name(place: str, kind: UseKind, name: str, known: Collection[str]) -> Iterator[Problem]:
    if name not in known:
        reason, remedy = _UNKNOWN[kind]
        yield Problem(place, reason.format(name), did_you_mean(name, known) or remedy.format(name))


def _flat(place: str, condition: ConditionFile | None, asked: Place) -> Iterator[Leaf]:
    match condition:
        case AllOf():
            for number, part in enumerate(condition.all):
                yield from _flat(f"{place}.all[{number}]", part, asked)
        case AnyOf():
            for number, part in enumerate(condition.any):
                yield from _flat(f"{place}.any[{number}]", part, asked)
        case NotCondition():
            yield from _flat(f"{place}.not", condition.not_, asked)
        case LeafFile():
            yield place, condition, asked
            if isinstance(condition, Windowed):
                yield from _flat(f"{place}.where", condition.where, "where")
