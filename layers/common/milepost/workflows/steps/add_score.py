"""`add_score`: adds points to the contact's score."""

from typing import Literal

from pydantic import Field

from milepost.base.markdown import plural
from milepost.workflows.step_type import EVENT_RESULTS, Step, StepType


class AddScore(Step):
    """Adds points to the contact's score, or takes them away."""

    type: Literal["add_score"] = Field(description="Adds to the score.")
    points: int = Field(
        ge=-1000, le=1000, description="How many. With a minus they are taken away."
    )


def _describe(step: AddScore) -> str:
    if step.points < 0:
        return f"Take {plural(-step.points, 'point')} from the contact's score"
    return f"Add {plural(step.points, 'point')} to the contact's score"


STEP = StepType(
    model=AddScore,
    describe=_describe,
    label=lambda step: f"Score {step.points:+d}",
    results=EVENT_RESULTS,
)
