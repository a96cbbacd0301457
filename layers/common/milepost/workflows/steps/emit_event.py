"""`emit_event`: reports an event of the contact."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import EventName, Value
from milepost.base.markdown import bold, pairs
from milepost.workflows.step_type import EVENT_RESULTS, Step, StepType


class EmitEvent(Step):
    """Reports an event of this contact. Other workflows can begin with it or wait for it."""

    type: Literal["emit_event"] = Field(description="Reports an event.")
    event: EventName
    properties: dict[str, Value] = Field(
        default_factory=dict, max_length=50, description="The data of the event."
    )


def _describe(step: EmitEvent) -> str:
    return f"Report {bold(step.event)}" + (
        f" with {pairs(step.properties)}" if step.properties else ""
    )


STEP = StepType(
    model=EmitEvent,
    describe=_describe,
    label=lambda step: f"Report {step.event}",
    results=EVENT_RESULTS,
)
