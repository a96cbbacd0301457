"""`issue_coupon`: takes a coupon code. Not available yet."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import SLUG, SomeTime
from milepost.base.markdown import code, describe_duration
from milepost.workflows.step_type import Step, StepType


class IssueCoupon(Step):
    """Takes one coupon code for this contact from a pool."""

    type: Literal["issue_coupon"] = Field(description="Takes a coupon code.")
    pool: str = Field(pattern=SLUG, description="The name of the pool: `cart-10`.")
    expires: SomeTime | None = Field(None, description="How long the code can be used.")


def _describe(step: IssueCoupon) -> str:
    good = f", good for {describe_duration(step.expires)}" if step.expires else ""
    return f"Take a coupon code from the pool {code(step.pool)}{good}"


STEP = StepType(
    model=IssueCoupon,
    describe=_describe,
    label=lambda step: f"Coupon {step.pool}",
    instead='use a "webhook" to the system that makes your codes: its answer has the code',
)
