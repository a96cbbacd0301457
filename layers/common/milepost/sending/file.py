"""The sending settings and `senders` of `settings.json` as models. Only publishing imports them."""

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from milepost.base.addresses import normalize_email
from milepost.base.dates import WEEKDAYS
from milepost.base.file_model import SLUG, StrictModel, TimeOfDay
from milepost.contacts.recent_marketing import MAX_RECENT_SENDS

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _day(text: str) -> str:
    """Check a day of one year or of every year. `12-25` is checked in a leap year."""
    try:
        if not re.fullmatch(r"(\d{4}-)?\d\d-\d\d", text):
            raise ValueError
        date.fromisoformat(text if len(text) == len("2028-12-25") else f"2028-{text}")
    except ValueError:
        reason = f"{text!r} is not a day: write it like '2028-12-25', or '12-25' for every year"
        raise ValueError(reason) from None
    return text


Day = Annotated[str, AfterValidator(_day)]


class QuietHours(StrictModel):
    """The hours in which no marketing goes out, in the contact's time zone."""

    from_: TimeOfDay = Field(alias="from", description="The first hour: `21:00`.")
    to: TimeOfDay = Field(description="The end: `08:00`.")

    @model_validator(mode="after")
    def _is_some_time(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("from and to are the same: leave quiet_hours out to mail at any time")
        return self


class ClosedDays(StrictModel):
    """The days on which no marketing goes out, in the store's time zone."""

    weekdays: list[Weekday] = Field(
        default_factory=list, description='Days of every week: `["sunday"]`.'
    )
    dates: list[Day] = Field(
        default_factory=list,
        max_length=200,
        description="A day of one year, `2026-11-27`, or of every year, `12-25`.",
    )

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if len({*self.weekdays}) == len(WEEKDAYS):
            raise ValueError("every day of the week is closed: no marketing would ever go out")
        return self


class Caps(StrictModel):
    """The highest number of marketing e-mails for one contact, from all workflows together."""

    per_day: int | None = Field(
        None, ge=1, le=MAX_RECENT_SENDS, description="In a day, in the contact's time zone."
    )
    per_week: int | None = Field(
        None, ge=1, le=MAX_RECENT_SENDS, description="In a day and the six days before it."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.per_day and self.per_week and self.per_day > self.per_week:
            raise ValueError("per_day is more than per_week, so it would never be reached")
        return self


class WarmUp(StrictModel):
    """The daily limits of a new domain: either `days`, or `first_day` and `grow`."""

    starts: date = Field(description="The first day, in the store's time zone: `2026-12-01`.")
    days: list[Annotated[int, Field(ge=1, le=1_000_000)]] | None = Field(
        None, min_length=1, max_length=366, description="The limit of each day, one by one."
    )
    first_day: int | None = Field(
        None, ge=1, le=1_000_000, description="The limit of the first day."
    )
    grow: float | None = Field(
        None,
        ge=1.05,
        le=10,
        description="The factor by which each day's limit grows; 2 if left out.",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.days is None) == (self.first_day is None):
            raise ValueError("warm_up needs either days or first_day")
        if self.days is not None and self.grow is not None:
            raise ValueError("warm_up has days, so it cannot have grow")
        return self


def bare_address(text: str) -> str:
    """An address in its normalized form, for comparisons."""
    address = normalize_email(text)
    if address is None:
        raise ValueError(f"{text!r} is not an e-mail address")
    return address


SenderId = Annotated[str, Field(pattern=SLUG, description="A sender's name in workflows: `anna`.")]


class SenderFile(StrictModel):
    """A person or a product that sends e-mail in the store's name."""

    name: str = Field(
        min_length=1,
        max_length=60,
        description="The name that recipients see: `Anna from Harbor & Pine`.",
    )
    address: Annotated[str, AfterValidator(bare_address)] | None = Field(
        None,
        description="The address that the e-mail comes from, in the domain of the stack's own "
        "sender; the stack's address if left out.",
    )
    reply_to: Annotated[str, AfterValidator(bare_address)] | None = Field(
        None, description="The address for replies; the store's `reply_to` if left out."
    )
