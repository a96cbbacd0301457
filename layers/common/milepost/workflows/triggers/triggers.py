"""What lets a contact into a workflow."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import (
    DayOfYear,
    EventName,
    FileModel,
    ListName,
    Moment,
    Offset,
    Path,
    Scalar,
    SegmentName,
    SomeTime,
    StepId,
    TimeOfDay,
    WorkflowName,
    Zone,
)
from milepost.base.recurrence import check_rule
from milepost.conditions.file import Condition


class EventTrigger(FileModel):
    """Something happened: the store, another system or another workflow reports an event."""

    type: Literal["event"] = Field(description="An event lets the contact in.")
    event: EventName
    where: Condition | None = Field(None, description="Only these events, and these contacts.")
    key: Path | None = Field(
        None,
        description="Once for each value of this field of the event: per cart, per order.",
    )


class FormTrigger(FileModel):
    """A form is sent; with double opt-in, when the contact has confirmed it."""

    type: Literal["form"] = Field(description="A form lets the contact in.")
    form: str = Field(min_length=1, max_length=100, description="The form's name: `footer`.")
    where: Condition | None = Field(None, description="Only these answers, and these contacts.")


class ListTrigger(FileModel):
    """The contact is added to a list, or removed from it."""

    type: Literal["list"] = Field(description="A list lets the contact in.")
    list: ListName
    on: Literal["added", "removed"] = Field("added", description="Which change.")


class SegmentTrigger(FileModel):
    """The contact enters a segment, or leaves it."""

    type: Literal["segment"] = Field(description="A segment lets the contact in.")
    segment: SegmentName
    on: Literal["entered", "left"] = Field("entered", description="Which change.")
    include_existing: bool = Field(
        default=False,
        description="`true`: also contacts whose membership was found when the segment's file was "
        "published or history was imported.",
    )


class ContactTrigger(FileModel):
    """A field of the contact changes: a property, the lifecycle stage, or the score."""

    type: Literal["contact"] = Field(description="A change of the contact lets it in.")
    field: Path = Field(description="What changes: `properties.plan`, `stage`, `score`.")
    from_: Scalar | None = Field(
        None, alias="from", title="from", description="Only from this value."
    )
    to: Scalar | None = Field(None, description="Only to this value.")
    crosses: float | None = Field(
        None, description="Only when the number was below this one, and now is not."
    )


class EmailTrigger(FileModel):
    """Something happened to an earlier e-mail, of this or of another workflow.

    With `unsubscribed`, leave out `workflow` and `step`. `link` goes with `clicked` alone.
    """

    type: Literal["email"] = Field(description="An earlier e-mail lets the contact in.")
    on: Literal["opened", "clicked", "bounced", "complained", "unsubscribed"] = Field(
        description="What happened to it."
    )
    workflow: WorkflowName | None = Field(None, description="Only mails of this workflow.")
    step: StepId | None = Field(None, description="Only mails of this step.")
    link: str | None = Field(
        None, description="With `clicked`: only this link, written exactly as in the mail."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.on == "unsubscribed" and (self.workflow or self.step):
            raise ValueError("an answer to a topic has no workflow and no step: leave them out")
        if self.link and self.on != "clicked":
            raise ValueError("link goes with clicked alone")
        return self


class DateTrigger(FileModel):
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


class InactivityTrigger(FileModel):
    """None of these events happened for some time: the customer is inactive.

    The time counts from the last of them. A contact without any of these events never fires it, and
    neither does an inactivity that was complete before the workflow went live.
    """

    type: Literal["inactivity"] = Field(description="Inactivity lets the contact in.")
    events: Annotated[list[EventName], Field(min_length=1, max_length=20)] = Field(
        description="Each of these events ends the inactivity."
    )
    for_: SomeTime = Field(alias="for", title="for", description="How long: `90 days`.")


class ScheduleTrigger(FileModel):
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


class CatalogTrigger(FileModel):
    """A price or the stock of a product changes, for contacts who showed interest in it."""

    type: Literal["catalog"] = Field(description="A change of a product lets the contact in.")
    on: Literal["price_drop", "back_in_stock", "low_stock"] = Field(description="Which change.")
    threshold: float | None = Field(
        None, gt=0, description="How many percent the price drops, or how many pieces there are."
    )
    audience: list[Literal["viewed", "carted", "bought", "asked"]] = Field(
        min_length=1, description="Contacts who did one of these with the product."
    )


class ManualTrigger(FileModel):
    """Another workflow or system asks for it, with `start_workflow` or a `Workflow Started` event.

    The event names the workflow in its data: `{"workflow": "welcome"}`.
    """

    type: Literal["manual"] = Field(description="A person or a system lets the contact in.")


Trigger = Annotated[
    EventTrigger
    | FormTrigger
    | ListTrigger
    | SegmentTrigger
    | ContactTrigger
    | EmailTrigger
    | DateTrigger
    | InactivityTrigger
    | ScheduleTrigger
    | CatalogTrigger
    | ManualTrigger,
    Field(discriminator="type"),
]
