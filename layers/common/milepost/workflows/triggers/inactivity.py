"""`inactivity`: none of some events happened for some time."""

from typing import Annotated, Literal

from pydantic import Field

from milepost.base.file_model import EventName, SomeTime
from milepost.base.markdown import describe_duration, listed_names
from milepost.workflows.trigger_type import TriggerModel, TriggerType


class InactivityTrigger(TriggerModel):
    """None of these events happened for some time: the customer is inactive.

    The time counts from the last of them. A contact without any of these events never fires it, and
    neither does an inactivity that was complete before the workflow went live.
    """

    type: Literal["inactivity"] = Field(description="Inactivity lets the contact in.")
    events: Annotated[list[EventName], Field(min_length=1, max_length=20)] = Field(
        description="Each of these events ends the inactivity."
    )
    for_: SomeTime = Field(alias="for", title="for", description="How long: `90 days`.")


TRIGGER = TriggerType(
    model=InactivityTrigger,
    describe=lambda trigger: (
        f"{listed_names(trigger.events)} has not happened for {describe_duration(trigger.for_)}"
    ),
    label=lambda trigger: f"silence for {describe_duration(trigger.for_)}",
)
