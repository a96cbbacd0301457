"""`date`: a date of the contact or a day of the year comes."""

from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import DayOfYear, Offset, Path, TimeOfDay, Zone
from milepost.base.markdown import clock, code, describe_offset
from milepost.workflows.trigger_type import TriggerModel, TriggerType, ValueCheck


class DateTrigger(TriggerModel):
    """A date of the contact or a day of the year comes: a birthday, a renewal.

    Give either `field` or `day`. A date that was past when Milepost learned it comes next year; 29
    February is 28 February in other years. A contact enters again every year if `reentry` allows
    it.
    """

    type: Literal["date"] = Field(description="A date lets the contact in.")
    field: Path | None = Field(None, description="The contact's date: `properties.birthday`.")
    day: DayOfYear | None = Field(None, description="A day of every year: `03-08`.")
    offset: Offset | None = Field(
        None, description="This long after the date, or before it with a minus: `-3 days`."
    )
    at: TimeOfDay = Field("09:00", description="At this time of that day.")
    timezone: Zone | None = Field(None, description="The time zone; `contact` if left out.")
    repeat: Literal["yearly", "once"] = Field("yearly", description="Every year, or only one time.")

    @model_validator(mode="after")
    def _one_date(self) -> Self:
        if (self.field is None) == (self.day is None):
            raise ValueError("needs either field (a date of the contact) or day (of every year)")
        return self


def _describe(trigger: DateTrigger) -> str:
    day = f"the contact's {code(trigger.field)}" if trigger.field else f"the day {trigger.day}"
    often = "every year" if trigger.repeat == "yearly" else "one time"
    wall = clock(trigger.timezone, "contact")
    return f"it is {trigger.at} of {describe_offset(trigger.offset, day)} on {wall}, {often}"


TRIGGER = TriggerType(
    model=DateTrigger,
    describe=_describe,
    label=lambda trigger: f"date: {trigger.field or trigger.day}",
    value_checks=lambda trigger: [ValueCheck(trigger.field, date=True)] if trigger.field else [],
)
