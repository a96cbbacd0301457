"""`set_stage`: moves the contact to a lifecycle stage."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import Stage
from milepost.base.markdown import code
from milepost.workflows.step_type import EVENT_RESULTS, Step, StepType


class SetStage(Step):
    """Moves the contact to a lifecycle stage."""

    type: Literal["set_stage"] = Field(description="Sets the lifecycle stage.")
    stage: Stage


STEP = StepType(
    model=SetStage,
    describe=lambda step: f"Move the contact to the stage {code(step.stage)}",
    label=lambda step: f"Stage {step.stage}",
    results=EVENT_RESULTS,
)
