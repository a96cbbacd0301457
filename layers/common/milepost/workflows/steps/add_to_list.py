"""`add_to_list`: puts the contact on a list."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import ListName
from milepost.base.markdown import code
from milepost.workflows.step_type import EVENT_RESULTS, Step, StepType


class AddToList(Step):
    """Puts the contact on a list."""

    type: Literal["add_to_list"] = Field(description="Puts the contact on a list.")
    list: ListName


STEP = StepType(
    model=AddToList,
    describe=lambda step: f"Put the contact on the list {code(step.list)}",
    label=lambda step: f"Add to list {step.list}",
    results=EVENT_RESULTS,
)
