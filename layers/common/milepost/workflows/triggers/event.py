"""`event`: an event is reported."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import EventName, Path
from milepost.base.markdown import bold, code
from milepost.conditions.file import Condition, describe_condition
from milepost.sending.attachments import VISITOR_EVENTS
from milepost.workflows.trigger_type import TriggerModel, TriggerType


class EventTrigger(TriggerModel):
    """Something happened: the store, another system or another workflow reports an event."""

    type: Literal["event"] = Field(description="An event lets the contact in.")
    event: EventName
    where: Condition | None = Field(None, description="Only these events, and these contacts.")
    key: Path | None = Field(
        None,
        description="Once for each value of this field of the event: per cart, per order.",
    )


def _describe(trigger: EventTrigger) -> str:
    such = f" and {describe_condition(trigger.where, 'its')}" if trigger.where else ""
    key = f", once per {code(trigger.key)}" if trigger.key else ""
    return f"{bold(trigger.event)} is reported{such}{key}"


TRIGGER = TriggerType(
    model=EventTrigger,
    describe=_describe,
    label=lambda trigger: trigger.event,
    from_visitors=lambda trigger: trigger.event in VISITOR_EVENTS,
)
