"""`exit`: the contact leaves."""

from typing import Literal

from pydantic import Field

from milepost.base.markdown import quoted
from milepost.workflows.step_type import LayOut, Node, Step, StepType


class Exit(Step):
    """The contact leaves the workflow."""

    type: Literal["exit"] = Field(description="Leaves the workflow.")
    reason: str = Field(
        "left", min_length=1, max_length=100, description="Why, as reports say it: `came back`."
    )


def _flatten(step: Exit, node: Node, _: str, __: LayOut) -> None:
    node["reason"] = step.reason


STEP = StepType(
    model=Exit,
    describe=lambda step: f"Leave ({quoted(step.reason)})",
    label=lambda step: f"Leave: {step.reason}",
    shape="circle",
    flatten=_flatten,
    leads_below=False,
)
