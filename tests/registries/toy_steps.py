"""Four step types from outside the package, one of each kind.

`nap` waits for a time and `await_reply` for an event, `praise` decides and emits an event, and
`wave` emits an event as `add_to_list` does.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from milepost.base.file_model import EventName, SomeTime, Text
from milepost.base.paths import resolve_all
from milepost.base.times import parse_duration
from milepost.contacts.event import ContactUpdate, Event
from milepost.enrollments.program import FLOWS, STRAIGHT, Exit, Node, PendingWait, StepFlow, Wait
from milepost.runtime.steps import RUNNERS
from milepost.runtime.steps.block_run import BlockRun, Emission, Emitted, Next
from milepost.runtime.steps.step_events import STEP_EVENTS, StepEvent
from milepost.runtime.steps.tools import StepTools
from milepost.workflows.step_type import EXTRA_STEPS, LayOut, Step, StepList, StepType

if TYPE_CHECKING:
    from milepost.workflows.steps import AnyStep


class Nap(Step):
    """Waits for some minutes."""

    type: Literal["nap"] = Field(description="Naps.")
    minutes: int = Field(gt=0, description="How many.")


class AwaitReply(Step):
    """Waits for a reply."""

    type: Literal["await_reply"] = Field(description="Waits for a reply.")
    reply: EventName
    patience: SomeTime = Field(description="How long at most.")
    if_silent: list["AnyStep"] = Field(default_factory=list, description="Steps if none comes.")


class Praise(Step):
    """Praises the contact, here and elsewhere."""

    type: Literal["praise"] = Field(description="Praises.")
    words: Text


class Wave(Step):
    """Waves."""

    type: Literal["wave"] = Field(description="Waves.")


def _flatten(step: AwaitReply, node: dict[str, Any], following: str, lay_out: LayOut) -> None:
    node["next"], node["if_silent"] = following, lay_out(step.if_silent)


def praise(node: Node, run: BlockRun, tools: StepTools) -> Next:
    ref = run.enrollment.ref

    def emit(emission: Emission) -> Emitted:
        event = Event(
            store=ref.store,
            id=f"{ref.id}:{emission.key}",
            name="Praised",
            occurred_at=emission.at,
            source="workflow",
            identifiers={},
            data=emission.outcome,
            contact=ContactUpdate(),
        )
        return event, tools.timeline.append(ref.contact, event)

    run.decide_then_emit(node, lambda: resolve_all({"words": node["words"]}, run.data()), emit)
    return Next(node["next"])


EXTRA_STEPS.extend(
    [
        StepType(
            model=Nap,
            describe=lambda step: f"Nap for {step.minutes} minutes",
            label=lambda step: f"Nap {step.minutes}",
            shape="pill",
        ),
        StepType(
            model=AwaitReply,
            describe=lambda step: f"Wait for {step.reply}",
            label=lambda step: f"Reply {step.reply}",
            lists=lambda step: [
                StepList("if_silent", step.if_silent, "if silent", lambda: "if silent", "silent")
            ],
            flatten=_flatten,
        ),
        StepType(
            model=Praise,
            describe=lambda step: "Praise the contact",
            label=lambda step: "Praise",
            results={"words": "text"},
        ),
        StepType(
            model=Wave, describe=lambda step: "Wave", label=lambda step: "Wave", shape="circle"
        ),
    ]
)
FLOWS["nap"] = StepFlow(
    exits=lambda node: (Exit(node["next"]),),
    taken=lambda node, _: str(node["next"]),
    pending="never",
    wait=Wait(
        state="timestamp",
        bound=lambda node: timedelta(minutes=node["minutes"]),
        always_waits=lambda _: True,
        ends=lambda node, at: PendingWait(
            at.began, at.resumed + timedelta(minutes=node["minutes"])
        ),
    ),
)
FLOWS["await_reply"] = StepFlow(
    exits=lambda node: (Exit(node["next"], "replies"), Exit(node["if_silent"], "silent")),
    taken=lambda node, outcome: str(node["next" if "event" in outcome else "if_silent"]),
    pending="never",
    wait=Wait(
        state="task_token",
        bound=lambda node: parse_duration(node["patience"]),
        always_waits=lambda _: True,
        ends=lambda node, at: PendingWait(
            at.since(node["reply"]), at.resumed + parse_duration(node["patience"])
        ),
        event=lambda node: str(node["reply"]),
    ),
)
FLOWS["praise"] = FLOWS["wave"] = STRAIGHT
RUNNERS["praise"] = praise
STEP_EVENTS["wave"] = lambda *_: StepEvent("Waved", {})
