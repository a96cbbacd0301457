"""`schedule`: a time comes, for everybody in a segment."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import Moment, SegmentName, Zone
from milepost.base.markdown import clock, code, escaped
from milepost.base.problems import Problem
from milepost.base.recurrence import check_rule, next_occurrence
from milepost.workflows.trigger_type import GoingLive, TriggerModel, TriggerType, TriggerUse


class ScheduleTrigger(TriggerModel):
    """A time comes, for all contacts of a segment: newsletters.

    Give either `at` or `rrule`. A recurrence is counted from Monday, 1 January 2024 at nine unless
    it has a beginning of its own: `DTSTART:20270104T090000 RRULE:FREQ=WEEKLY;INTERVAL=2`.
    """

    type: Literal["schedule"] = Field(description="A time lets a whole segment in.")
    at: Moment | None = Field(None, description="One time: `2026-11-27T09:00`.")
    rrule: str | None = Field(
        None, max_length=500, description="A recurrence (RFC 5545): `FREQ=WEEKLY;BYDAY=TH`."
    )
    segment: SegmentName
    timezone: Zone | None = Field(None, description="The time zone; `store` if left out.")

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.at is None) == (self.rrule is None):
            raise ValueError("needs either at (one time) or rrule (a recurrence)")
        if self.rrule is not None:
            check_rule(self.rrule)
        return self


def _describe(trigger: ScheduleTrigger) -> str:
    wall = clock(trigger.timezone, "store")
    moment = (
        f"it is {escaped(trigger.at)} on {wall}"
        if trigger.at
        else f"the recurrence {escaped(trigger.rrule or '')} comes round on {wall}"
    )
    return f"{moment}, for everybody in the segment {code(trigger.segment)}"


def _check_live(trigger: ScheduleTrigger, live: GoingLive) -> Iterator[Problem]:
    """Whether it will come round, and let people in when it does."""
    place = "trigger.at" if trigger.at else "trigger.rrule"
    own = trigger.timezone not in (None, "store", "contact")
    zone = trigger.timezone if own else live.store_timezone
    schedule = {"at": trigger.at} if trigger.at else {"rrule": trigger.rrule}
    if next_occurrence(schedule, live.now, str(zone)) is None:
        yield Problem(place, "is past: it would never come", "write a time to come")
    if trigger.rrule and not live.comes_again:
        yield Problem(
            "reentry",
            "the schedule comes again, and nobody may enter a second time",
            'write "reentry": {"allow": "always"}',
        )


TRIGGER = TriggerType(
    model=ScheduleTrigger,
    describe=_describe,
    label=lambda trigger: f"schedule: {trigger.at or trigger.rrule}",
    uses=lambda trigger: [TriggerUse("segment", trigger.segment)],
    check_live=_check_live,
)
