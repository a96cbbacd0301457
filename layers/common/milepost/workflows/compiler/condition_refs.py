"""Every condition of a workflow file with its place, and what cannot be asked where."""

from collections.abc import Iterator

from milepost.base.problems import Problem, suggest
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
)
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import Branch, SendEmail, WaitFor

_ANYTHING = (object,)
_BEFORE = (EventIs, ContactIs, ConsentsTo, InWorkflow, InList, InSegment, Did, DidNot, SumOf)
_CONTACT = (ContactIs, ConsentsTo, InWorkflow, InList, InSegment, Did, DidNot, SumOf)
_EVENT = (EventIs,)
_EVENT_OR_CONTACT = (EventIs, ContactIs)

Leaf = tuple[str, Condition, tuple[type, ...]]
"""A condition that is no group: its place, itself, and the kinds that can be answered there."""


def leaves(workflow: Workflow) -> Iterator[Leaf]:
    """All of them, from top to bottom.

    A `where` is asked when one event is seen, with nothing else loaded: for `exit_on` and `goal`
    that is the event alone, for waits and behavior also the contact.
    """
    where = getattr(workflow.trigger, "where", None)
    yield from _flat("trigger.where", where, _BEFORE)
    yield from _flat("audience", workflow.audience, _BEFORE)
    for number, ending in enumerate(workflow.exit_on):
        yield from _flat(f"exit_on[{number}].where", ending.where, _EVENT)
    if workflow.goal:
        yield from _flat("goal.where", workflow.goal.where, _EVENT)
    for place, step in walk(workflow.steps):
        if isinstance(step, WaitFor):
            yield from _flat(f"{place}.where", step.where, _EVENT_OR_CONTACT)
        elif isinstance(step, Branch):
            for number, path in enumerate(step.paths):
                yield from _flat(f"{place}.paths[{number}].if", path.if_, _ANYTHING)


def leaves_of(place: str, condition: Condition | None) -> Iterator[Leaf]:
    """Those of a condition that stands by itself, and can ask about the contact alone."""
    yield from _flat(place, condition, _CONTACT)


def check_conditions(workflow: Workflow) -> Iterator[Problem]:
    """Conditions that could never be met, because nothing could ever answer them."""
    steps = [step for _, step in walk(workflow.steps)]
    ids = [step.id for step in steps]
    sends = [step.id for step in steps if isinstance(step, SendEmail)]
    for place, condition, answerable in leaves(workflow):
        if not isinstance(condition, answerable) and answerable == _BEFORE:
            remedy = "ask it in a branch"
            yield Problem(place, "asks about steps, and none has run when this is asked", remedy)
        elif not isinstance(condition, answerable):
            kinds = " and ".join(f"`{kind}`" for kind in ("event", "contact")[: len(answerable)])
            yield Problem(place, f"a where here can only ask about {kinds}", "use a branch")
        elif isinstance(condition, StepIs) and condition.step not in ids:
            reason = f'no step "{condition.step}" in this workflow'
            yield Problem(f"{place}.step", reason, suggest(condition.step, ids))
        elif isinstance(condition, EmailWas) and condition.email not in sends:
            reason = f'no step "{condition.email}" of this workflow sends an e-mail'
            yield Problem(f"{place}.email", reason, suggest(condition.email, sends))
        elif isinstance(condition, EmailWas) and condition.link and condition.was != "clicked":
            yield Problem(f"{place}.link", "goes with clicked alone", 'say {"was": "clicked"}')
        elif isinstance(condition, EmailWas) and condition.machines and not _by_readers(condition):
            yield Problem(f"{place}.machines", "goes with opened and clicked alone", "leave it out")


def _by_readers(condition: EmailWas) -> bool:
    return condition.was in ("opened", "clicked")


def _flat(place: str, condition: Condition | None, answerable: tuple[type, ...]) -> Iterator[Leaf]:
    match condition:
        case None:
            return
        case All():
            for number, part in enumerate(condition.all):
                yield from _flat(f"{place}.all[{number}]", part, answerable)
        case Any_():
            for number, part in enumerate(condition.any):
                yield from _flat(f"{place}.any[{number}]", part, answerable)
        case Not():
            yield from _flat(f"{place}.not", condition.not_, answerable)
        case _:
            yield place, condition, answerable
            if isinstance(condition, Did | DidNot | SumOf):
                yield from _flat(f"{place}.where", condition.where, _EVENT_OR_CONTACT)
