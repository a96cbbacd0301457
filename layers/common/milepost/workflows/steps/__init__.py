"""What a workflow does: one file for each step type a marketer may write, and one row here."""

import sys
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from milepost.workflows.step_type import EXTRA_STEPS, Step, StepType
from milepost.workflows.steps import (
    add_score,
    add_to_list,
    branch,
    create_ticket,
    delay,
    delay_until,
    emit_event,
    exit,
    goto,
    holdout,
    issue_coupon,
    notify,
    remove_from_list,
    send_email,
    send_sms,
    set_stage,
    split,
    start_workflow,
    update_contact,
    wait_for,
    webhook,
)

__all__ = ["STEPS", "AnyStep", "Step", "type_of"]

STEPS: Final[tuple[StepType[Any], ...]] = (
    delay.STEP,
    delay_until.STEP,
    wait_for.STEP,
    branch.STEP,
    split.STEP,
    holdout.STEP,
    send_email.STEP,
    send_sms.STEP,
    update_contact.STEP,
    add_to_list.STEP,
    remove_from_list.STEP,
    set_stage.STEP,
    add_score.STEP,
    issue_coupon.STEP,
    webhook.STEP,
    notify.STEP,
    create_ticket.STEP,
    emit_event.STEP,
    start_workflow.STEP,
    exit.STEP,
    goto.STEP,
    *EXTRA_STEPS,
)
"""In the order of the reference."""

_BY_NAME: Final = {step.name: step for step in STEPS}

if TYPE_CHECKING:
    AnyStep = Step
else:
    AnyStep = Annotated[reduce(or_, (step.model for step in STEPS)), Field(discriminator="type")]

for _step in STEPS:
    # Some hold lists of steps: the name is looked up there when a model is first used.
    vars(sys.modules[_step.model.__module__])["AnyStep"] = AnyStep


def type_of(step: Step) -> StepType[Any]:
    """All that is known of a step's type."""
    return _BY_NAME[step.type]
