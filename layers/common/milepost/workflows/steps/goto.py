"""`goto`: goes on at another step."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import StepId
from milepost.base.markdown import code, times
from milepost.workflows.step_type import Step, StepType, Use


class Goto(Step):
    """Continues at another step, above or below.

    Going back makes a loop. A loop needs `max`, and a step in it that waits.
    """

    type: Literal["goto"] = Field(description="Continues at another step.")
    to: StepId = Field(description="The step to continue at.")
    max: int | None = Field(
        None, ge=1, le=1000, description="How often at most. After that, on to the step below."
    )


def _describe(step: Goto) -> str:
    most = f", {times(step.max)} at most; after that, go on below" if step.max else ""
    return f"Go on at {code(step.to)}{most}"


STEP = StepType(
    model=Goto,
    describe=_describe,
    label=lambda step: f"Go to {step.to}",
    shape="subroutine",
    leads_below=False,
    results={"round": "number", "over": "flag"},
    uses=lambda step: [Use("step", step.to, "to")],
)
