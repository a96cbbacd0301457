"""`wait_for`: waits for an event."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from milepost.base.file_model import EventName, SomeTime
from milepost.base.markdown import bold, describe_duration
from milepost.conditions.file import Condition, describe_condition
from milepost.workflows.step_type import LayOut, Node, Step, StepCondition, StepList, StepType

if TYPE_CHECKING:
    from milepost.workflows.steps import AnyStep


class WaitFor(Step):
    """Waits for an event, but no longer than `timeout`. The data of the event is then
    `steps.<id>.data`.

    `Email Opened`, `Email Clicked`, `Email Bounced` and `Email Marked as Spam` count only for
    mails that this workflow sent to this contact, this time. Opens and clicks by bots (mail
    programs and link scanners) are `Email Opened by Bot` and `Email Clicked by Bot`.
    """

    type: Literal["wait_for"] = Field(description="Waits for an event.")
    event: EventName
    where: Condition | None = Field(
        None, description="Only these events. It can ask about `event` and `contact`."
    )
    timeout: SomeTime = Field(description="How long at most: `2 days`.")
    on_event: list["AnyStep"] = Field(
        default_factory=list,
        description="Steps if the event happens. After them, on to the step below.",
    )
    on_timeout: list["AnyStep"] = Field(
        default_factory=list, description="Steps if it does not. After them, on to the step below."
    )


def _lists(step: WaitFor) -> Iterator[StepList]:
    happens = "if it happens"
    yield StepList("on_event", step.on_event, happens, lambda: happens, "on event")
    yield StepList("on_timeout", step.on_timeout, "on the timeout", lambda: "otherwise", "timeout")


def _flatten(step: WaitFor, node: Node, following: str, lay_out: LayOut) -> None:
    node["on_event"] = lay_out(step.on_event)
    node["on_timeout"] = lay_out(step.on_timeout)


def _describe(step: WaitFor) -> str:
    such = f" where {describe_condition(step.where, 'its')}" if step.where else ""
    return f"Wait up to {describe_duration(step.timeout)} for {bold(step.event)}{such}"


STEP = StepType(
    model=WaitFor,
    describe=_describe,
    label=lambda step: f"Wait for {step.event}, {describe_duration(step.timeout)} at most",
    shape="pill",
    lists=_lists,
    flatten=_flatten,
    results={"data": "any", "event": "text", "at": "any"},
    conditions=lambda step: [StepCondition("where", step.where, of_event=True)],
)
