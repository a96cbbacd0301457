"""`form`: a form is sent."""

from typing import Literal

from pydantic import Field

from milepost.base.markdown import bold
from milepost.conditions.file import Condition, describe_condition
from milepost.workflows.trigger_type import TriggerModel, TriggerType, TriggerUse


class FormTrigger(TriggerModel):
    """A form is sent; with double opt-in, when the contact has confirmed it."""

    type: Literal["form"] = Field(description="A form lets the contact in.")
    form: str = Field(min_length=1, max_length=100, description="The form's name: `footer`.")
    where: Condition | None = Field(None, description="Only these answers, and these contacts.")


def _describe(trigger: FormTrigger) -> str:
    such = f" and {describe_condition(trigger.where, 'its')}" if trigger.where else ""
    return f"the form {bold(trigger.form)} is submitted{such}"


TRIGGER = TriggerType(
    model=FormTrigger,
    describe=_describe,
    label=lambda trigger: trigger.form,
    uses=lambda trigger: [TriggerUse("form", trigger.form)],
    from_visitors=lambda _: True,
)
