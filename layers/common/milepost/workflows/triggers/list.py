"""`list`: the contact is added to a list or removed from it."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import ListName
from milepost.base.markdown import code
from milepost.workflows.trigger_type import TriggerModel, TriggerType


class ListTrigger(TriggerModel):
    """The contact is added to a list, or removed from it."""

    type: Literal["list"] = Field(description="A list lets the contact in.")
    list: ListName
    on: Literal["added", "removed"] = Field("added", description="Which change.")


TRIGGER = TriggerType(
    model=ListTrigger,
    describe=lambda trigger: (
        f"the contact is {'added to' if trigger.on == 'added' else 'removed from'} "
        f"the list {code(trigger.list)}"
    ),
    label=lambda trigger: trigger.list,
)
