"""Steps that wait: at them a block of the machine ends."""

import re
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from milepost.base.dates import WEEKDAYS
from milepost.base.file_model import (
    PROPERTY,
    Date,
    EventName,
    Locale,
    Offset,
    SomeTime,
    TimeOfDay,
    Title,
    Zone,
)
from milepost.conditions.file import Condition
from milepost.workflows.steps.step import Step

if TYPE_CHECKING:
    from milepost.workflows.steps import AnyStep


_MOVABLE = re.compile(rf"contact\.properties\.{PROPERTY[1:-1]}")


class Delay(Step):
    """Waits. First the time of `for` passes, then it continues to `until_time` on one of `on_days`.

    Give at least one of these three.
    """

    type: Literal["delay"] = Field(description="Waits for some time.")
    for_: SomeTime | None = Field(None, alias="for", title="for", description="How long: `1 day`.")
    until_time: TimeOfDay | None = Field(
        None, description="Then wait until this time of day: `09:30`."
    )
    on_days: list[Literal[WEEKDAYS]] | None = Field(  # type: ignore[valid-type]
        None, min_length=1, description="Then wait until one of these days."
    )
    timezone: Zone | None = Field(None, description="The time zone; `contact` if left out.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.for_ or self.until_time or self.on_days):
            raise ValueError("needs at least one of for, until_time, on_days")
        return self


class DelayUntil(Step):
    """Waits until a date: one of the calendar, or one in the data.

    A date in the past does not wait.
    """

    type: Literal["delay_until"] = Field(description="Waits until a date.")
    date: Date = Field(
        description="`2027-01-31`, or where the date is: `contact.properties.renewal_date`.",
    )
    offset: Offset | None = Field(
        None, description="This long after the date, or before it with a minus: `-3 days`."
    )
    at: TimeOfDay | None = Field(None, description="At this time of that day: `09:30`.")
    timezone: Zone | None = Field(None, description="The time zone; `contact` if left out.")
    if_missing: Literal["continue", "exit"] = Field(
        "continue", description="What to do if there is no such date."
    )
    movable: Title | dict[Locale, Title] | None = Field(
        None,
        description="The title of the date. With it, contacts see the date on the preferences page "
        "and can move it, and the wait follows: `Your next treatment`, or "
        '`{"en": "…", "fa": "…"}`.',
    )

    @model_validator(mode="after")
    def _of_the_contact(self) -> Self:
        if self.movable is not None and not _MOVABLE.fullmatch(self.date):
            raise ValueError(
                "a date that can be moved is a property of the contact: "
                "contact.properties.next_treatment"
            )
        return self


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
