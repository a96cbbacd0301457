"""What the language has words for and this version cannot do yet: publishing refuses it."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from milepost.base.file_model import FileModel
from milepost.base.problems import Problem
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import CreateTicket, IssueCoupon, SendSms, Split
from milepost.workflows.triggers.triggers import CatalogTrigger

KINDS: Final[Mapping[type[FileModel], str]] = {
    CatalogTrigger: 'let your shop post an event for each contact, and use an "event" trigger',
    SendSms: 'use "send_email", or a "webhook" to your SMS service',
    IssueCoupon: 'use a "webhook" to the system that makes your codes: its answer has the code',
    CreateTicket: 'use a "webhook" to your help desk',
}
"""Triggers, steps and conditions that cannot be used, each with what to do instead."""


class UnavailableFeature(NamedTuple):
    """A field that cannot be used: where it is, and what to do instead."""

    model: type[FileModel]
    field: str
    remedy: str


FIELDS: Final = (
    UnavailableFeature(
        Split, "winner", "leave it out: compare the paths yourself, then change the weights"
    ),
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
