"""`contact`: a field of the contact changes."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import Path, Scalar
from milepost.base.markdown import code, value
from milepost.workflows.trigger_type import TriggerModel, TriggerType, ValueCheck


class ContactTrigger(TriggerModel):
    """A field of the contact changes: a property, the lifecycle stage, or the score."""

    type: Literal["contact"] = Field(description="A change of the contact lets it in.")
    field: Path = Field(description="What changes: `properties.plan`, `stage`, `score`.")
    from_: Scalar | None = Field(
        None, alias="from", title="from", description="Only from this value."
    )
    to: Scalar | None = Field(None, description="Only to this value.")
    crosses: float | None = Field(
        None, description="Only when the number was below this one, and now is not."
    )


def _describe(trigger: ContactTrigger) -> str:
    said = f"the contact's {code(trigger.field)} changes"
    if trigger.from_ is not None:
        said += f" from {value(trigger.from_)}"
    if trigger.to is not None:
        said += f" to {value(trigger.to)}"
    if trigger.crosses is not None:
        said += f" and rises to {value(trigger.crosses)} or over it"
    return said


TRIGGER = TriggerType(
    model=ContactTrigger,
    describe=_describe,
    label=lambda trigger: f"{trigger.field} changes",
    value_checks=lambda trigger: [
        ValueCheck(
            trigger.field,
            {"from": trigger.from_, "to": trigger.to},
            number="" if trigger.crosses is None else "crosses",
        )
    ],
)
