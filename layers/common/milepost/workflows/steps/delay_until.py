"""`delay_until`: waits until a date."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import PROPERTY, Date, Locale, Offset, TimeOfDay, Title, Zone
from milepost.base.markdown import bold, clock, code, describe_offset, value
from milepost.workflows.step_type import Step, StepType

_MOVABLE = re.compile(rf"contact\.properties\.{PROPERTY[1:-1]}")


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


def _describe(step: DelayUntil) -> str:
    date = value(step.date) if step.date[:1].isdigit() else f"the date in {code(step.date)}"
    at = f", {step.at} of that day" if step.at else ""
    wall = f" on {clock(step.timezone, 'contact')}"
    missing = "leave" if step.if_missing == "exit" else "go on at once"
    otherwise = f"; where there is no such date, {missing}"
    moved = (
        f"; the contact sees it as {_titled(step.movable)} and can move it" if step.movable else ""
    )
    return f"Wait until {describe_offset(step.offset, date)}{at}{wall}{otherwise}{moved}"


def _titled(title: str | Mapping[str, str]) -> str:
    if isinstance(title, str):
        return bold(title)
    return ", ".join(f"{bold(words)} ({locale})" for locale, words in title.items())


def _data_paths(step: DelayUntil) -> Iterator[tuple[str, str]]:
    if not step.date[:1].isdigit():
        yield "date", step.date


STEP = StepType(
    model=DelayUntil,
    describe=_describe,
    label=lambda step: f"Wait until {step.date}",
    shape="pill",
    leaves=lambda step: "no such date" if step.if_missing == "exit" else "",
    data_paths=_data_paths,
)
