"""What a workflow does: every step a marketer may write."""

from typing import Annotated

from pydantic import Field

from milepost.workflows.steps import choosing, waiting
from milepost.workflows.steps.changing import (
    AddScore,
    AddToList,
    EmitEvent,
    IssueCoupon,
    RemoveFromList,
    SetStage,
    StartWorkflow,
    UpdateContact,
)
from milepost.workflows.steps.choosing import (
    Branch,
    BranchPath,
    Exit,
    Goto,
    Holdout,
    Split,
    SplitPath,
    Winner,
)
from milepost.workflows.steps.step import Step
from milepost.workflows.steps.telling import (
    CreateTicket,
    Notify,
    SendEmail,
    SendSms,
    Variant,
    Webhook,
)
from milepost.workflows.steps.waiting import Delay, DelayUntil, WaitFor

__all__ = [
    "AddScore",
    "AddToList",
    "AnyStep",
    "Branch",
    "BranchPath",
    "CreateTicket",
    "Delay",
    "DelayUntil",
    "EmitEvent",
    "Exit",
    "Goto",
    "Holdout",
    "IssueCoupon",
    "Notify",
    "RemoveFromList",
    "SendEmail",
    "SendSms",
    "SetStage",
    "Split",
    "SplitPath",
    "StartWorkflow",
    "Step",
    "UpdateContact",
    "Variant",
    "WaitFor",
    "Webhook",
    "Winner",
]

AnyStep = Annotated[
    Delay
    | DelayUntil
    | WaitFor
    | Branch
    | Split
    | Holdout
    | SendEmail
    | SendSms
    | UpdateContact
    | AddToList
    | RemoveFromList
    | SetStage
    | AddScore
    | IssueCoupon
    | Webhook
    | Notify
    | CreateTicket
    | EmitEvent
    | StartWorkflow
    | Exit
    | Goto,
    Field(discriminator="type"),
]

for _module in (choosing, waiting):
    # Their steps hold lists of steps: the name is looked up there when a model is first used.
    vars(_module)["AnyStep"] = AnyStep
