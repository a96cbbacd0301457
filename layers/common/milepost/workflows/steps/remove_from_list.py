"""`remove_from_list`: takes the contact off a list."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import ListName
from milepost.base.markdown import code
from milepost.workflows.step_type import EVENT_RESULTS, Step, StepType


class RemoveFromList(Step):
    """Takes the contact off a list."""

    type: Literal["remove_from_list"] = Field(description="Takes the contact off a list.")
    list: ListName


STEP = StepType(
    model=RemoveFromList,
    describe=lambda step: f"Take the contact off the list {code(step.list)}",
    label=lambda step: f"Remove from list {step.list}",
    results=EVENT_RESULTS,
)
