"""`delay`: waits for some time."""

from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.dates import WEEKDAYS
from milepost.base.file_model import SomeTime, TimeOfDay, Zone
from milepost.base.markdown import clock, describe_duration, listed
from milepost.workflows.step_type import Step, StepType


class Delay(Step):
    """Waits. First the time of `for` passes, then it continues to `until_time` on one of `on_days`.

    Give at least one of these three.
    """

    type: Literal["delay"] = Field(description="Waits for some time.")
    for_: SomeTime | None = Field(None, alias="for", title="for", description="How long: `1 day`.")
    until_time: TimeOfDay | None = Field(
        None, description="Then wait until this time of day: `09:30`."
    )
    on_days: list[Literal[WEEKDAYS]] | None = Field(  # type: ignore[valid-type]
        None, min_length=1, description="Then wait until one of these days."
    )
    timezone: Zone | None = Field(None, description="The time zone; `contact` if left out.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.for_ or self.until_time or self.on_days):
            raise ValueError("needs at least one of for, until_time, on_days")
        return self


def _describe(step: Delay) -> str:
    said = f"Wait {describe_duration(step.for_)}" if step.for_ else "Wait"
    then = []
    if step.until_time:
        then.append(f"until it is {step.until_time}")
    if step.on_days:
        days = listed([day.capitalize() for day in step.on_days], "or")
        then.append(f"on a {days}" if step.until_time else f"until it is a {days}")
    if not then:
        return said + (f" (on {clock(step.timezone, 'contact')})" if step.timezone else "")
    glue = ", then " if step.for_ else " "
    return f"{said}{glue}{' '.join(then)}, on {clock(step.timezone, 'contact')}"


def _label(step: Delay) -> str:
    parts = [describe_duration(step.for_)] if step.for_ else []
    if step.until_time:
        parts.append(f"until {step.until_time}")
    if step.on_days:
        parts.append("on " + listed([day[:3].capitalize() for day in step.on_days], "or"))
    return f"Wait {' '.join(parts)}"


STEP = StepType(model=Delay, describe=_describe, label=_label, shape="pill")
