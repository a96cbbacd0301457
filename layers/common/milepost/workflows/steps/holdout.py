"""`holdout`: keeps a control group back."""

from typing import Literal

from pydantic import Field

from milepost.base.markdown import value
from milepost.workflows.step_type import Step, StepType


class Holdout(Step):
    """Keeps some contacts out, to measure the workflow's effect. They leave and are counted."""

    type: Literal["holdout"] = Field(description="Keeps a control group out.")
    percent: float = Field(gt=0, lt=100, description="How many contacts of 100 are kept out.")


STEP = StepType(
    model=Holdout,
    describe=lambda step: (
        f"Keep {value(step.percent)} of 100 people back as a control group: they leave"
    ),
    label=lambda step: f"Keep {step.percent:g}% back",
    shape="hexagon",
    leaves=lambda step: f"kept back, {step.percent:g}%",
    results={"held_back": "flag"},
)
