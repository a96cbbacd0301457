"""`segment`: the contact enters a segment or leaves it."""

from typing import Literal

from pydantic import Field

from milepost.base.file_model import SegmentName
from milepost.base.markdown import code
from milepost.workflows.trigger_type import TriggerModel, TriggerType, TriggerUse


class SegmentTrigger(TriggerModel):
    """The contact enters a segment, or leaves it."""

    type: Literal["segment"] = Field(description="A segment lets the contact in.")
    segment: SegmentName
    on: Literal["entered", "left"] = Field("entered", description="Which change.")
    include_existing: bool = Field(
        default=False,
        description="`true`: also contacts whose membership was found when the segment's file was "
        "published or history was imported.",
    )


TRIGGER = TriggerType(
    model=SegmentTrigger,
    describe=lambda trigger: (
        f"the contact {'enters' if trigger.on == 'entered' else 'leaves'} "
        f"the segment {code(trigger.segment)}"
        + (", or is found to when it is published" if trigger.include_existing else "")
    ),
    label=lambda trigger: trigger.segment,
    uses=lambda trigger: [TriggerUse("segment", trigger.segment)],
)
