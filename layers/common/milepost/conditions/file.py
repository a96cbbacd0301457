"""Conditions as a file holds them; `conditions/evaluate.py` answers them."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from milepost.base import instants
from milepost.base.file_model import (
    Duration,
    EventName,
    ListName,
    Model,
    Path,
    Scalar,
    SegmentName,
    StepId,
    Topic,
    WorkflowName,
)
from milepost.conditions.operators import OPERATORS


def _moment(text: str) -> str:
    """Read as `conditions/evaluate.py` reads it: what that cannot read would be false for ever."""
    try:
        date.fromisoformat(text) if len(text) == len("2027-01-31") else instants.parse(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no date and no time: write it like '2027-01-31' or '2027-01-31T09:00:00Z'"
        ) from None
    return text


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("nothing is between these two: write the smaller one first")
    return bounds


_Moment = Annotated[str, AfterValidator(_moment)]
_Between = Annotated[tuple[float, float], AfterValidator(_rising)]
_Options = Annotated[list[Scalar], Field(min_length=1)]
_Piece = Annotated[str, Field(min_length=1)]


class _Comparison(Model):
    """Exactly one operator, on the leaves that look a value up."""

    is_: Scalar | None = Field(
        None, alias="is", title="is", description="It is exactly this value."
    )
    is_not: Scalar | None = Field(None, description="It has a value, and not this one.")
    in_: _Options | None = Field(
        None, alias="in", title="in", description="It is one of these values."
    )
    not_in: _Options | None = Field(None, description="It has a value, and none of these.")
    contains: _Piece | None = Field(
        None, description="The text has this in it. Capital letters do not matter."
    )
    starts_with: _Piece | None = Field(
        None, description="The text begins with this. Capital letters do not matter."
    )
    ends_with: _Piece | None = Field(
        None, description="The text ends with this. Capital letters do not matter."
    )
    gt: float | None = Field(None, description="The number is greater.")
    gte: float | None = Field(None, description="The number is greater or the same.")
    lt: float | None = Field(None, description="The number is smaller.")
    lte: float | None = Field(None, description="The number is smaller or the same.")
    between: _Between | None = Field(
        None, description="The number is between these two, or is one of them: `[20, 50]`."
    )
    exists: bool | None = Field(
        None, description="`true`: there is a value. `false`: there is none."
    )
    before: _Moment | None = Field(
        None, description="The date or time is before this one: `2027-01-31`."
    )
    after: _Moment | None = Field(
        None, description="The date or time is after this one: `2027-01-31`."
    )
    within_last: Duration | None = Field(None, description="The date is in the last `7 days`.")
    within_next: Duration | None = Field(None, description="The date is in the next `7 days`.")
    anniversary_within: Duration | None = Field(
        None, description="The same day of the year comes in the next `7 days`: birthdays."
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

    contact: Path = Field(description="Which field: `properties.country`, `stage`, `score`.")


class EventIs(_Comparison):
    """Compares a field of the event: `{"event": "total", "gte": 20}`.

    It is the event that let the contact in; inside a `where`, it is the event that is looked at.
    """

    event: Path = Field(description="Which field: `total`, `products[].category`.")


class StepIs(_Comparison):
    """Compares the result of an earlier step: `{"step": "crm", "output": "status", "is": 200}`.

    A `webhook` has `status`, `body` and `error`; a `branch` and a `split` have `path`; a `wait_for`
    has the `data` of its event.
    """

    step: StepId = Field(description="The id of the earlier step.")
    output: Path = Field(description="Which part of its result: `body.tier`, `status`, `path`.")


class Times(Model):
    """How often something was done: `{"gte": 2}`. Give at least one field."""

    is_: int | None = Field(None, alias="is", title="is", description="Exactly this often.")
    gt: int | None = Field(None, description="More often than this.")
    gte: int | None = Field(None, description="This often or more.")
    lt: int | None = Field(None, description="Less often than this.")
    lte: int | None = Field(None, description="This often or less.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("needs at least one of is, gt, gte, lt, lte")
        return self


class _Windowed(Model):
    within: Duration | None = Field(None, description="Count only the last `30 days`.")
    since: Literal["enrollment"] | None = Field(
        None, description="Count only what happened after the contact entered this workflow."
    )
    where: "Condition | None" = Field(
        None,
        description="Count only events that meet this. It can ask about `event` and `contact`.",
    )

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        if self.within and self.since:
            raise ValueError("has both within and since: keep one of them")
        return self


class _Behavior(_Windowed):
    times: Times | None = Field(None, description="How often; at least once if left out.")


class Did(_Behavior):
    """The contact did something: `{"did": "Order Completed", "times": {"gte": 2}}`.

    `within` and `since` do not go together: give one of them, or none to count all time.
    """

    did: EventName


class DidNot(_Behavior):
    """The contact did not do something: `{"did_not": "Order Completed", "within": "30 days"}`.

    With `times` it means: not that often.
    """

    did_not: EventName


class SumOf(_Windowed):
    """Adds up a number of events: `{"sum_of": "Order Completed", "of": "total", "gte": 500}`.

    Give at least one of gt, gte, lt and lte.
    """

    sum_of: EventName
    of: Path = Field(description="The number in each event's data: `total`.")
    gt: float | None = Field(None, description="The sum is greater.")
    gte: float | None = Field(None, description="The sum is greater or the same.")
    lt: float | None = Field(None, description="The sum is smaller.")
    lte: float | None = Field(None, description="The sum is smaller or the same.")

    @model_validator(mode="after")
    def _a_bound(self) -> Self:
        if self.gt is self.gte is self.lt is self.lte is None:
            raise ValueError("needs at least one of gt, gte, lt, lte")
        return self


class EmailWas(Model):
    """What happened to an earlier e-mail of this workflow: `{"email": "hi", "was": "clicked"}`."""

    email: StepId = Field(description="The id of the `send_email` step.")
    was: Literal["delivered", "opened", "clicked", "bounced", "complained"] = Field(
        description="What happened to it."
    )
    link: str | None = Field(
        None, description="With `clicked`: only this link, written exactly as in the mail."
    )
    machines: bool = Field(
        default=False,
        description="With `opened` and `clicked`: also count what mail programs and link scanners "
        "did of their own accord.",
    )


class ConsentsTo(Model):
    """The contact said yes to a topic and did not take it back: `{"consents_to": "offers"}`."""

    consents_to: Topic


class InWorkflow(Model):
    """The contact is inside a workflow now: `{"in_workflow": "welcome"}`."""

    in_workflow: WorkflowName


class InList(Model):
    """The contact is on a list: `{"in_list": "newsletter"}`."""

    in_list: ListName


class InSegment(Model):
    """The contact is in a segment: `{"in_segment": "vip"}`."""

    in_segment: SegmentName


class All(Model):
    """All of these conditions hold: `{"all": [..., ...]}`."""

    all: list["Condition"] = Field(
        min_length=1, max_length=100, description="The conditions. All of them must hold."
    )


class Any_(Model):
    """At least one of these conditions holds: `{"any": [..., ...]}`."""

    any: list["Condition"] = Field(
        min_length=1, max_length=100, description="The conditions. One of them must hold."
    )


class Not(Model):
    """This condition does not hold: `{"not": {...}}`."""

    not_: "Condition" = Field(alias="not", description="The condition that must not hold.")


_LEAF_KEYS = (
    "all", "any", "not", "contact", "did", "did_not", "sum_of", "email", "step", "consents_to",
    "in_workflow", "in_list", "in_segment", "event",
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
    | Annotated[SumOf, Tag("sum_of")]
    | Annotated[EmailWas, Tag("email")]
    | Annotated[StepIs, Tag("step")]
    | Annotated[ConsentsTo, Tag("consents_to")]
    | Annotated[InWorkflow, Tag("in_workflow")]
    | Annotated[InList, Tag("in_list")]
    | Annotated[InSegment, Tag("in_segment")]
    | Annotated[EventIs, Tag("event")],
    Discriminator(
        _leaf,
        custom_error_type="condition",
        custom_error_message="is not a condition: it needs one of " + ", ".join(_LEAF_KEYS),
    ),
]
