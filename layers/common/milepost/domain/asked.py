"""Every condition of a workflow file with its place, and what cannot be asked where."""

from collections.abc import Iterator

from milepost.domain.graph import walk
from milepost.domain.problems import Problem, suggest
from milepost.domain.workflow import (
    All,
    Any_,
    Branch,
    Condition,
    ContactIs,
    Did,
    DidNot,
    EmailWas,
    EventIs,
    Not,
    SendEmail,
    WaitFor,
    Workflow,
)

_ANYTHING = (object,)
_EVENT = (EventIs,)
_EVENT_OR_CONTACT = (EventIs, ContactIs)

Leaf = tuple[str, Condition, tuple[type, ...]]
"""A condition that is no group: its place, itself, and the kinds that can be answered there."""


def leaves(workflow: Workflow) -> Iterator[Leaf]:
    """All of them, from top to bottom.

    A `where` is asked when one event is seen, with nothing else loaded: for `exit_on` and `goal`
    that is the event alone, for waits and behavior also the contact.
    """
    yield from _flat("trigger.where", workflow.trigger.where, _ANYTHING)
    yield from _flat("audience", workflow.audience, _ANYTHING)
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


def check_conditions(workflow: Workflow) -> Iterator[Problem]:
    """Conditions that could never be met, because nothing could ever answer them."""
    sends = [step.id for _, step in walk(workflow.steps) if isinstance(step, SendEmail)]
    for place, condition, answerable in leaves(workflow):
        if not isinstance(condition, answerable):
            kinds = " and ".join(f"`{kind}`" for kind in ("event", "contact")[: len(answerable)])
            yield Problem(place, f"a where here can only ask about {kinds}", "use a branch")
        elif isinstance(condition, EmailWas) and condition.email not in sends:
            reason = f'no step "{condition.email}" of this workflow sends an e-mail'
            yield Problem(f"{place}.email", reason, suggest(condition.email, sends))


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
            if isinstance(condition, Did | DidNot):
                yield from _flat(f"{place}.where", condition.where, _EVENT_OR_CONTACT)
