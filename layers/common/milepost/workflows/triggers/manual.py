"""`manual`: somebody says so."""

from typing import Literal

from pydantic import Field

from milepost.workflows.trigger_type import TriggerModel, TriggerType


class ManualTrigger(TriggerModel):
    """Another workflow or system asks for it, with `start_workflow` or a `Workflow Started` event.

    The event names the workflow in its data: `{"workflow": "welcome"}`.
    """

    type: Literal["manual"] = Field(description="A person or a system lets the contact in.")


TRIGGER = TriggerType(
    model=ManualTrigger,
    describe=lambda _: "somebody says so: a person, the API, an import or another workflow",
    label=lambda _: "when told to",
)
