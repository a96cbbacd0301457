"""The workflow file as models: what a marketer may write, with a title and a description each.

Only publishing and the command line import this module; a running workflow needs the compiled
program alone (`program.py`).
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from milepost.domain.conditions import OPERATORS
from milepost.domain.durations import parse_duration
from milepost.domain.schedule import WEEKDAYS, zone_named


class Model(BaseModel):
    """A part of a workflow file: unknown fields are mistakes, and are named as such."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"{text!r} is not a time of day: write it like '09:30'")
    return text


def _zone(name: str) -> str:
    if name not in {"contact", "store"} and zone_named(name) is None:
        raise ValueError(
            f"{name!r} is not a time zone: write 'contact', 'store' or an IANA name "
            "like 'Europe/Paris'"
        )
    return name


Duration = Annotated[
    str,
    AfterValidator(_duration),
    Field(description="A duration: `4 hours`, `3 days 12 hours`, or ISO 8601 `PT4H`."),
]


def _stay(text: str) -> str:
    if parse_duration(text) > LONGEST_STAY:
        raise ValueError(f"{text!r} is longer than {LONGEST_STAY.days} days")
    return text


LONGEST_STAY = timedelta(days=365)
"""One execution of Step Functions lasts a year at most."""

Stay = Annotated[
    str,
    AfterValidator(_stay),
    Field(description="A duration of a year at most: `4 hours`, `3 days 12 hours`, or `PT4H`."),
]
TimeOfDay = Annotated[
    str, AfterValidator(_time_of_day), Field(description="A time of day: `09:30`.")
]
Zone = Annotated[
    str, AfterValidator(_zone), Field(description="`contact`, `store`, or an IANA time zone.")
]
StepId = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,39}$",
        description="Names the step: lower-case letters, digits and hyphens, 40 at most, once "
        "in a workflow. Reports and message tags carry it.",
    ),
]
EventName = Annotated[
    str, Field(min_length=1, max_length=100, description="An event's name: `Order Completed`.")
]
Topic = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="A subscription topic: `offers`."),
]
Path = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="A dotted path into the data: `total`, `products[].category`.",
    ),
]

Scalar = str | float | int | bool

# --- conditions ---------------------------------------------------------------------------------


class _Comparison(Model):
    """Exactly one operator, on the leaves that look a value up."""

    is_: Scalar | None = Field(None, alias="is", title="is", description="It is this very value.")
    is_not: Scalar | None = Field(None, description="It is there, and another value.")
    in_: list[Scalar] | None = Field(
        None, alias="in", title="in", description="It is one of these values."
    )
    not_in: list[Scalar] | None = Field(None, description="It is there, and none of these.")
    contains: str | None = Field(None, description="The text has this in it, in any case.")
    starts_with: str | None = Field(None, description="The text begins so, in any case.")
    ends_with: str | None = Field(None, description="The text ends so, in any case.")
    gt: float | None = Field(None, description="The number is greater.")
    gte: float | None = Field(None, description="The number is greater or the same.")
    lt: float | None = Field(None, description="The number is smaller.")
    lte: float | None = Field(None, description="The number is smaller or the same.")
    between: tuple[float, float] | None = Field(
        None, description="The number lies between these two, or is one of them."
    )
    exists: bool | None = Field(None, description="There is a value (true) or there is none.")
    before: str | None = Field(None, description="The date or instant is before this one.")
    after: str | None = Field(None, description="The date or instant is after this one.")
    within_last: Duration | None = Field(None, description="It was in the last `7 days`.")
    within_next: Duration | None = Field(None, description="It will be in the next `7 days`.")
    anniversary_within: Duration | None = Field(
        None, description="Its day of the year returns in the next `7 days`: birthdays."
    )

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        named = self.model_fields_set & {*OPERATORS, "is_", "in_"}
        given = {name for name in named if getattr(self, name) is not None}
        if len(given) != 1:
            has = ", ".join(sorted(name.rstrip("_") for name in given)) or "none"
            raise ValueError(f"needs exactly one operator ({', '.join(OPERATORS)}), has {has}")
        return self


class ContactIs(_Comparison):
    """Compares a field of the contact: `{"contact": "properties.country", "in": ["FR", "BE"]}`."""

    contact: Path


class EventIs(_Comparison):
    """Compares a field of the triggering event: `{"event": "total", "gte": 20}`."""

    event: Path


class Times(Model):
    """How often: `{"gte": 2}`."""

    is_: int | None = Field(None, alias="is", title="is", description="Exactly so often.")
    gt: int | None = Field(None, description="More often.")
    gte: int | None = Field(None, description="So often or more.")
    lt: int | None = Field(None, description="Less often.")
    lte: int | None = Field(None, description="So often or less.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("needs at least one of is, gt, gte, lt, lte")
        return self


class _Behavior(Model):
    times: Times | None = Field(None, description="How often; at least once if left out.")
    within: Duration | None = Field(None, description="Count only the last `30 days`.")
    since: Literal["enrollment"] | None = Field(
        None, description="Count only what happened after the contact entered this workflow."
    )
    where: "Condition | None" = Field(
        None, description="Count only events whose data meets this; `event` paths mean their data."
    )

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        if self.within and self.since:
            raise ValueError("has both within and since: keep one of them")
        return self


class Did(_Behavior):
    """The contact did something: `{"did": "Order Completed", "times": {"gte": 2}}`."""

    did: EventName


class DidNot(_Behavior):
    """The contact did not do something."""

    did_not: EventName


class EmailWas(Model):
    """What became of an earlier e-mail of this workflow, named by its step."""

    email: StepId
    was: Literal["delivered", "opened", "clicked", "bounced", "complained"] = Field(
        description="What became of it."
    )
    link: str | None = Field(None, description="With `clicked`: this very link.")


class ConsentsTo(Model):
    """The contact has said yes to a topic and has not withdrawn it."""

    consents_to: Topic


class InWorkflow(Model):
    """The contact is inside a workflow now."""

    in_workflow: str = Field(description="The workflow's name: its file's, without `.json`.")


class All(Model):
    """Every one of these."""

    all: list["Condition"] = Field(
        min_length=1, max_length=100, description="Conditions that must all hold."
    )


class Any_(Model):
    """At least one of these."""

    any: list["Condition"] = Field(
        min_length=1, max_length=100, description="Conditions of which one must hold."
    )


class Not(Model):
    """The opposite of this."""

    not_: "Condition" = Field(alias="not", description="The condition that must not hold.")


_LEAF_KEYS = (
    "all", "any", "not", "contact", "did", "did_not", "email", "consents_to", "in_workflow",
    "event",
)  # fmt: skip


def _leaf(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in _LEAF_KEYS if key in value), None)
    return next((k for k in _LEAF_KEYS if hasattr(value, k) or hasattr(value, f"{k}_")), None)


Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[ContactIs, Tag("contact")]
    | Annotated[Did, Tag("did")]
    | Annotated[DidNot, Tag("did_not")]
    | Annotated[EmailWas, Tag("email")]
    | Annotated[ConsentsTo, Tag("consents_to")]
    | Annotated[InWorkflow, Tag("in_workflow")]
    | Annotated[EventIs, Tag("event")],
    Discriminator(
        _leaf,
        custom_error_type="condition",
        custom_error_message="is not a condition: it needs one of " + ", ".join(_LEAF_KEYS),
    ),
]

# --- steps --------------------------------------------------------------------------------------


class Step(Model):
    """What every step has."""

    id: StepId
    note: str | None = Field(None, description="A remark for the reader; nothing else reads it.")


class Delay(Step):
    """Waits: `for` a duration, then on to a time of day on certain weekdays."""

    type: Literal["delay"] = Field(description="Waits for a time.")
    for_: Stay | None = Field(
        None, alias="for", title="for", description="How long: `4 hours`; a year at most."
    )
    until_time: TimeOfDay | None = Field(None, description="Then on to this time: `09:30`.")
    on_days: list[Literal[WEEKDAYS]] | None = Field(  # type: ignore[valid-type]
        None, min_length=1, description="Then on to one of these days."
    )
    timezone: Zone | None = Field(None, description="Whose clock: `contact` if left out.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.for_ or self.until_time or self.on_days):
            raise ValueError("needs at least one of for, until_time, on_days")
        return self


class WaitFor(Step):
    """Waits for an event, but no longer than the timeout."""

    type: Literal["wait_for"] = Field(description="Waits for an event.")
    event: EventName
    where: Condition | None = Field(
        None, description="Only such events: asks about `event` and `contact`."
    )
    timeout: Stay
    on_event: list["AnyStep"] = Field(
        default_factory=list, description="Steps for those to whom it happened."
    )
    on_timeout: list["AnyStep"] = Field(
        default_factory=list, description="Steps for those to whom it did not."
    )


class BranchPath(Model):
    """One path of a branch, taken when its condition holds."""

    name: str = Field(
        min_length=1, max_length=60, description="What reports call the path: once in a branch."
    )
    if_: Condition = Field(alias="if", title="if", description="Who takes this path.")
    steps: list["AnyStep"] = Field(default_factory=list, description="What happens on it.")


class Branch(Step):
    """The first path whose condition holds; otherwise `else`."""

    type: Literal["branch"] = Field(description="Chooses a path.")
    paths: list[BranchPath] = Field(
        min_length=1, max_length=50, description="The first whose condition holds is taken."
    )
    else_: list["AnyStep"] = Field(
        default_factory=list, alias="else", title="else", description="Steps for everybody else."
    )


class SendEmail(Step):
    """Sends one e-mail from a template, if the gate lets it pass."""

    type: Literal["send_email"] = Field(description="Sends an e-mail.")
    template: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*){0,3}$",
        max_length=100,
        description="The template's folder under `templates/`: `abandoned-cart/reminder`.",
    )
    category: Literal["marketing", "transactional"] | None = Field(
        None, description="The workflow's own if left out."
    )
    topic: Topic | None = Field(
        None, description="The subscription topic; the workflow's own if left out."
    )


class Exit(Step):
    """Leaves the workflow."""

    type: Literal["exit"] = Field(description="Leaves the workflow.")
    reason: str = Field(
        "left", min_length=1, max_length=100, description="Why, as reports say it: `came back`."
    )


AnyStep = Annotated[Delay | WaitFor | Branch | SendEmail | Exit, Field(discriminator="type")]

# --- the workflow -------------------------------------------------------------------------------


class EventTrigger(Model):
    """Fires when the store, a webhook, a browser or another workflow reports an event."""

    type: Literal["event"] = Field(description="Fires on an event.")
    event: EventName
    where: Condition | None = Field(None, description="Only such events, and such contacts.")
    key: Path | None = Field(
        None,
        description="One enrollment per value of this field of the event: per cart, per order.",
    )


class Reentry(Model):
    """Whether somebody who was here before may come again."""

    allow: Literal["never", "always", "after"] = Field(
        default="never", description="`after` a time; every new event counts with `always`."
    )
    after: Duration | None = Field(
        default=None, description="With `after`: how long since entering."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.allow == "after") != (self.after is not None):
            raise ValueError('write {"allow": "after", "after": "7 days"}: the two go together')
        return self


class ExitOn(Model):
    """An event that ends the enrollment wherever it stands."""

    event: EventName
    where: Condition | None = Field(None, description="Only such events: asks about `event`.")


class Goal(Model):
    """What the workflow is for: who does it has been won, and leaves."""

    event: EventName
    where: Condition | None = Field(None, description="Only such events: asks about `event`.")
    within: Duration = Field("30 days", description="Counted from entering the workflow.")


class Workflow(Model):
    """A workflow: who enters, what happens to them, and what ends it."""

    schema_: str | None = Field(
        None, alias="$schema", description="Where editors find what may be written here."
    )
    title: str = Field(min_length=1, max_length=120, description="What people call it.")
    description: str | None = Field(None, description="What it is for; nothing else reads it.")
    status: Literal["live", "paused", "draft"] = Field(
        "live", description="`paused` sends nothing and lets nobody in; `draft` is not live yet."
    )
    category: Literal["marketing", "transactional"] = Field(
        "marketing", description="Marketing goes to those alone who said yes to its topic."
    )
    topic: Topic | None = Field(
        None, description="The subscription topic its mails belong to; the store's first if absent."
    )
    trigger: EventTrigger = Field(description="What lets a contact in.")
    audience: Condition | None = Field(
        None, description="Who may be here: checked on entering and again before every mail."
    )
    reentry: Reentry = Field(
        Reentry(), description="Whether who was here may come again: never if absent."
    )
    exit_on: list[ExitOn] = Field(
        default_factory=list, max_length=20, description="Events that end it wherever it stands."
    )
    goal: Goal | None = Field(None, description="What it is for: who does this has been won.")
    steps: list[AnyStep] = Field(
        min_length=1, max_length=1000, description="What happens, from top to bottom."
    )
