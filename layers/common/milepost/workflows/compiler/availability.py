"""What the language has words for and this version cannot do yet: publishing refuses it."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from milepost.base.file_model import FileModel
from milepost.base.problems import Problem
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import STEPS
from milepost.workflows.triggers import TRIGGERS

KINDS: Final[Mapping[type[FileModel], str]] = {
    **{trigger.model: trigger.instead for trigger in TRIGGERS if trigger.instead},
    **{step.model: step.instead for step in STEPS if step.instead},
}
"""Triggers, steps and conditions that cannot be used, each with what to do instead."""


class UnavailableFeature(NamedTuple):
    """A field that cannot be used: where it is, and what to do instead."""

    model: type[FileModel]
    field: str
    remedy: str


FIELDS: Final = tuple(
    UnavailableFeature(step.model, field, remedy)
    for step in STEPS
    for field, remedy in step.instead_of.items()
)
"""Fields of what can be used otherwise. A field that says no (`false`) is no mistake."""


def check_available(workflow: Workflow) -> Iterator[Problem]:
    """What of the workflow this version cannot do, from top to bottom."""
    trigger = workflow.trigger
    yield from _check("trigger", trigger, f'the trigger "{trigger.type}"')
    found = [*((place, step, f'the step "{step.type}"') for place, step in walk(workflow.steps))]
    for place, part, words in found:
        yield from _check(place, part, words)


def _check(place: str, part: FileModel, words: str) -> Iterator[Problem]:
    if type(part) in KINDS:
        yield Problem(place, f"{words} is not available in this version", KINDS[type(part)])
    for missing in FIELDS:
        if isinstance(part, missing.model) and getattr(part, missing.field) not in (None, False):
            reason = f"{missing.field} is not available in this version"
            yield Problem(f"{place}.{missing.field}", reason, missing.remedy)
