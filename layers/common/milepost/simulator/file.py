"""The test file of a workflow: test cases with their expected results.

The file is `tests/<workflow>.test.json`. `milepost test` runs it, and so does publishing.
"""

from datetime import UTC, datetime
from json import dumps
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from milepost.base import times
from milepost.base.file_model import Duration, EventName, FileModel, ListName, Stage, StepId, Topic
from milepost.base.strict_json import read_json
from milepost.contacts.field_models import with_contact_fields

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday morning."""

ACTIONS = ("event", "opens", "clicks", "bounces", "complains", "unsubscribes")


def _instant(text: str) -> str:
    try:
        year = times.parse_instant(text).year
    except ValueError:
        reason = f"{text!r} is no instant with an offset: write it like '2026-11-02T12:00:00Z'"
        raise ValueError(reason) from None
    if not 2000 <= year < 2100:
        raise ValueError(f"{text!r} is not in this century")
    return text


def _as_posted(data: dict[str, Any]) -> dict[str, Any]:
    """Refuse data that the API would refuse, because it is nested too deeply."""
    read_json(dumps(data).encode())
    return data


Data = Annotated[dict[str, Any], AfterValidator(_as_posted)]
Instant = Annotated[
    str,
    AfterValidator(_instant),
    Field(description="An instant with its offset: `2026-11-02T12:00:00Z`."),
]
Mail = Annotated[StepId, Field(description="The step whose mail it is.")]


@with_contact_fields(lambda _: str)
class CaseContact(FileModel):
    """The contact of the case."""

    email: str = Field(
        "shopper@mail.example", description="The address; empty for a contact without one."
    )
    external_id: str | None = Field(None, description="The id of the contact in the shop system.")
    phone: str | None = Field(None, description="With its country code: `+33612345678`.")
    lists: list[ListName] = Field(
        default_factory=list, max_length=20, description="The lists that the contact is on."
    )
    stage: Stage | None = Field(None, description="The stage that was reached.")
    frequency: Literal["all", "weekly", "monthly"] | None = Field(
        None, description="The frequency that the contact chose on the preferences page."
    )
    properties: Data = Field(
        default_factory=dict, max_length=100, description="Other data about the contact."
    )
    consents_to: list[Topic] = Field(
        default_factory=list, max_length=20, description="The topics that the contact said yes to."
    )


class CaseEvent(FileModel):
    """One thing that happens in the case: an event, or what the recipient does with an e-mail."""

    at: Instant | None = Field(None, description="At this instant.")
    after: Duration | None = Field(None, description="So long after the start: `2 hours`.")
    before: Duration | None = Field(None, description="So long before the start: `30 days`.")
    event: EventName | None = Field(None, description="The shop reports this event.")
    properties: Data | None = Field(None, description="With `event`: its data.")
    opens: Mail | None = Field(None, description="The mail of this step is opened.")
    clicks: Mail | None = Field(None, description="A link in the mail of this step is clicked.")
    link: str | None = Field(None, description="With `clicks`: which link; the shop's if absent.")
    bounces: Mail | None = Field(None, description="The mail of this step bounces for good.")
    complains: Mail | None = Field(None, description="The mail of this step is marked as spam.")
    unsubscribes: Mail | None = Field(
        None, description="The link to unsubscribe in the mail of this step is followed."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if sum(time is not None for time in (self.at, self.after, self.before)) != 1:
            raise ValueError("needs a time, one of at, after and before")
        if sum(getattr(self, action) is not None for action in ACTIONS) != 1:
            raise ValueError(f"needs exactly one of {', '.join(ACTIONS)}")
        if self.properties is not None and self.event is None:
            raise ValueError("properties go with event alone")
        if self.link is not None and self.clicks is None:
            raise ValueError("link goes with clicks alone")
        return self


class ExpectedMessage(FileModel):
    """An e-mail that must go out. What you leave out is not checked."""

    step: StepId
    at: Instant | None = Field(None, description="At this instant.")
    after: Duration | None = Field(None, description="So long after the start: `1 hour`.")
    subject: str | None = Field(None, description="The subject, word for word.")
    locale: str | None = Field(None, description="The language it is in: `en`.")

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.at is not None and self.after is not None:
            raise ValueError("has both at and after: keep one of them")
        return self


class Expected(FileModel):
    """What the workflow must do in this case. What you leave out is not checked."""

    messages: list[ExpectedMessage] | None = Field(
        None, max_length=1000, description="All mails of the workflow, in order."
    )
    path: list[StepId] | None = Field(
        None, max_length=10_000, description="All steps that the contact reaches, in order."
    )
    ends: Literal["completed", "exited", "refused"] | None = Field(
        None, description="How it ends; `refused` if the contact never enters."
    )
    reason: str | None = Field(None, description="The reason it ends for, word for word.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expects nothing: say messages, path, ends or reason")
        return self


class CaseInput(FileModel):
    """What happens. It begins with the event that the workflow's trigger names."""

    contact: CaseContact = Field(
        default_factory=lambda: CaseContact.model_validate({}), description="Who it is about."
    )
    start: Instant = Field(
        times.format_instant(START), description="When it begins; a Monday at nine if absent."
    )
    trigger: Data = Field(
        default_factory=dict,
        description="The data of the event that begins it; for a `contact` trigger "
        "the properties that change.",
    )
    events: list[CaseEvent] = Field(
        default_factory=list, max_length=1000, description="What else happens, in any order."
    )


class Case(CaseInput):
    """What happens, and what the workflow must do."""

    name: str = Field(
        min_length=1,
        max_length=200,
        description="The name of the case: a sentence that says what must happen.",
    )
    expect: Expected = Field(description="What the workflow must do.")


class WorkflowTests(FileModel):
    """The tests of one workflow, which is published only if all of them hold."""

    schema_: str | None = Field(
        None, alias="$schema", description="The path to the JSON Schema, for your editor."
    )
    workflow: str = Field(
        min_length=1, max_length=100, description="The workflow's name: its file's, without .json."
    )
    cases: list[Case] = Field(min_length=1, max_length=200, description="The cases.")
