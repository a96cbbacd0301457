"""The templates that a workflow's steps send, and where the file says so."""

from collections.abc import Iterator
from typing import NamedTuple

from milepost.templates.version import TemplateVersion
from milepost.workflows.steps import SendEmail


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


def email_uses(place: str, step: SendEmail) -> Iterator[EmailUse]:
    """What a step at this place may send."""
    if step.template is not None:
        yield EmailUse(place, step.template, step.template_version)
    for number, variant in enumerate(step.variants or ()):
        here = f"{place}.variants[{number}]"
        yield EmailUse(here, variant.template, variant.template_version)
