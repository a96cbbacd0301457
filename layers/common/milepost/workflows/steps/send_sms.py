"""`send_sms`: sends a text message. Not available yet."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import TemplateName, Topic
from milepost.base.markdown import bold, code
from milepost.workflows.step_type import Step, StepType


class SendSms(Step):
    """Sends a text message."""

    type: Literal["send_sms"] = Field(description="Sends a text message.")
    template: TemplateName
    topic: Topic | None = Field(None, description="The workflow's own if left out.")


STEP = StepType(
    model=SendSms,
    describe=lambda step: (
        f"Send the text message {bold(step.template)}"
        + (f" to those who consent to {code(step.topic)}" if step.topic else "")
    ),
    label=lambda step: f"Text {step.template}",
    shape="rounded",
    instead='use "send_email", or a "webhook" to your SMS service',
)
