"""The templates that a workflow's steps send, and where the file says so."""

from collections.abc import Iterator
from typing import NamedTuple

from milepost.templates.version import TemplateVersion
from milepost.workflows.step_type import Use
from milepost.workflows.steps import AnyStep, type_of


class EmailUse(NamedTuple):
    """A template of a step or of one of its variants; `version` if it is to be this one."""

    place: str
    template: str
    version: str | None

    @property
    def named(self) -> str:
        return f"{self.place}.template"

    @property
    def pinned(self) -> str:
        return f"{self.place}.template_version"

    def is_of(self, template: TemplateVersion) -> bool:
        """Whether what is found in this template holds for the mail. Where only a store's files are
        known, another version stands in for the one that is asked for (`simulator/publish.py`)."""
        return self.version in (None, template.hash)


def email_uses(place: str, step: AnyStep) -> Iterator[EmailUse]:
    """What a step at this place may send."""
    for use in type_of(step).uses(step):
        if use.kind == "template":
            yield mailing_of(place, use)


def mailing_of(place: str, use: Use) -> EmailUse:
    """A template that a step at this place uses."""
    return EmailUse(f"{place}.{use.field}".removesuffix(".template"), use.name, use.version)
