"""`create_ticket`: opens a ticket at a help desk. Not available yet."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import SLUG
from milepost.base.markdown import code, quoted
from milepost.workflows.step_type import Step, StepType


class CreateTicket(Step):
    """Opens a ticket at your help desk."""

    type: Literal["create_ticket"] = Field(description="Opens a ticket.")
    profile: str = Field(pattern=SLUG, description="Which help desk.")
    title: str = Field(min_length=1, max_length=200, description="What it is about.")
    category: str | None = Field(None, max_length=60, description="Its category.")
    assignee: str | None = Field(None, max_length=254, description="Who works on it.")


def _describe(step: CreateTicket) -> str:
    kind = f", category {quoted(step.category)}" if step.category else ""
    whose = f", for {quoted(step.assignee)}" if step.assignee else ""
    return f"Open a ticket {quoted(step.title)} at {code(step.profile)}{kind}{whose}"


STEP = StepType(
    model=CreateTicket,
    describe=_describe,
    label=lambda step: f"Ticket: {step.title}",
    instead='use a "webhook" to your help desk',
)
