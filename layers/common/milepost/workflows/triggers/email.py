"""`email`: something happened to an earlier e-mail."""

from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import StepId, WorkflowName
from milepost.base.markdown import code, quoted
from milepost.workflows.trigger_type import TriggerModel, TriggerType, TriggerUse


class EmailTrigger(TriggerModel):
    """Something happened to an earlier e-mail, of this or of another workflow.

    With `unsubscribed`, leave out `workflow` and `step`. `link` goes with `clicked` alone.
    """

    type: Literal["email"] = Field(description="An earlier e-mail lets the contact in.")
    on: Literal["opened", "clicked", "bounced", "complained", "unsubscribed"] = Field(
        description="What happened to it."
    )
    workflow: WorkflowName | None = Field(None, description="Only mails of this workflow.")
    step: StepId | None = Field(None, description="Only mails of this step.")
    link: str | None = Field(
        None, description="With `clicked`: only this link, written exactly as in the mail."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.on == "unsubscribed" and (self.workflow or self.step):
            raise ValueError("an answer to a topic has no workflow and no step: leave them out")
        if self.link and self.on != "clicked":
            raise ValueError("link goes with clicked alone")
        return self


def _describe(trigger: EmailTrigger) -> str:
    if trigger.on == "unsubscribed":
        return "the contact unsubscribes"
    step = f" of step {code(trigger.step)}" if trigger.step else ""
    workflow = f" of the workflow {code(trigger.workflow)}" if trigger.workflow else ""
    link = f" at {quoted(trigger.link)}" if trigger.link else ""
    fate = {"bounced": "bounces", "complained": "is complained about"}
    return f"an e-mail{step}{workflow} {fate.get(trigger.on, f'is {trigger.on}')}{link}"


TRIGGER = TriggerType(
    model=EmailTrigger,
    describe=_describe,
    label=lambda trigger: f"e-mail {trigger.on}",
    uses=lambda trigger: (
        [TriggerUse("workflow", trigger.workflow, trigger.step)] if trigger.workflow else []
    ),
)
