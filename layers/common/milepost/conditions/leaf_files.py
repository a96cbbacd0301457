"""Models of leaves in files: their fields, their checks, and their words in reports.

A leaf is one class and one row of `LEAF_FILES`; `conditions.leaves` has the row that evaluates it.
To add a leaf from outside, add both rows before `conditions.file` is imported, which makes the
union of the models.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import date
from keyword import iskeyword
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, create_model, model_validator

from milepost.base import times as instants
from milepost.base.file_model import (
    Duration,
    EventName,
    FileModel,
    ListName,
    Path,
    Scalar,
    SegmentName,
    StepId,
    Topic,
    WorkflowName,
)
from milepost.base.markdown import bold, code, describe_duration, quoted, times, value
from milepost.base.problems import Problem
from milepost.conditions.operators import OPERATORS, BoundKind, count_words, words

Place = Literal["step", "trigger", "segment", "where", "event"]
"""Where a condition stands: a branch; a trigger or an audience, before any step has run; a segment,
with the contact alone; the `where` of a wait or a behavior, with one event and the contact; the
`where` of an exit, a goal or a rule of points, with one event alone."""


UseKind = Literal["topic", "workflow", "segment", "step", "e-mail"]
"""What a name refers to; an `e-mail` is named by the step that sends it."""


class ConditionFile(FileModel):
    """A condition in a file."""

    @abstractmethod
    def describe(self, whose: str) -> str:
        """A clause, in Markdown. `whose` names the owner of an `event` path's data."""


class LeafFile(ConditionFile):
    """A condition that is not a group.

    `says` is its clause, with ids and paths in braces. `uses` has the fields with names that must
    exist. `looks_at` has the field with the path of the compared value, and the whole path.
    """

    allowed_in: ClassVar[frozenset[Place]] = frozenset({"step", "trigger", "segment"})
    says: ClassVar[str] = ""
    uses: ClassVar[tuple[tuple[str, UseKind], ...]] = ()
    looks_at: ClassVar[tuple[str, str] | None] = None

    def value_checks(self) -> Iterator[Problem]:
        """Problems that involve several fields; a location is a field."""
        return iter(())

    def describe(self, whose: str) -> str:
        fields = given(self)
        shown = {name: code(each) for name, each in fields.items() if isinstance(each, str)}
        return self.says.format_map({**shown, "whose": whose, "compared": words(fields, value)})


if TYPE_CHECKING:
    Condition = ConditionFile  # `conditions.file` has the union


def _moment(text: str) -> str:
    """A date or a time that operators can read."""
    try:
        date.fromisoformat(text) if len(text) == len("2027-01-31") else instants.parse_instant(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no date and no time: write it like '2027-01-31' or '2027-01-31T09:00:00Z'"
        ) from None
    return text


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("nothing is between these two: write the smaller one first")
    return bounds


BOUNDS: Final[Mapping[BoundKind, Any]] = {
    "value": Scalar,
    "values": Annotated[list[Scalar], Field(min_length=1)],
    "text": Annotated[str, Field(min_length=1)],
    "number": float,
    "range": Annotated[tuple[float, float], AfterValidator(_rising)],
    "flag": bool,
    "date": Annotated[str, AfterValidator(_moment)],
    "duration": Duration,
}
"""The type of an operator's field."""


class _Compared(LeafFile):
    """A leaf that compares one value with exactly one operator."""

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        given = [name for name in OPERATORS if getattr(self, name) is not None]
        if len(given) != 1:
            has = ", ".join(sorted(given)) or "none"
            raise ValueError(f"needs exactly one operator ({', '.join(OPERATORS)}), has {has}")
        return self


if TYPE_CHECKING:
    Comparison = _Compared
else:
    Comparison = create_model(
        "Comparison",
        __base__=_Compared,
        __module__=__name__,
        **{
            name: (
                BOUNDS[operator.bound] | None,
                Field(None, title=name if iskeyword(name) else None, description=operator.meaning),
            )
            for name, operator in OPERATORS.items()
        },
    )


class ContactCondition(Comparison):
    """Compares a field of the contact: `{"contact": "properties.country", "in": ["FR", "BE"]}`."""

    allowed_in = frozenset({"step", "trigger", "segment", "where"})
    says = "the contact's {contact} {compared}"
    looks_at = ("contact", "contact.{contact}")
    contact: Path = Field(description="Which field: `properties.country`, `stage`, `score`.")


class EventCondition(Comparison):
    """Compares a field of the event: `{"event": "total", "gte": 20}`.

    It is the event that let the contact in; inside a `where`, it is the event that the `where`
    tests.
    """

    allowed_in = frozenset({"step", "trigger", "where", "event"})
    says = "{whose} {event} {compared}"
    event: Path = Field(description="Which field: `total`, `products[].category`.")


class StepIs(Comparison):
    """Compares the result of an earlier step: `{"step": "crm", "output": "status", "is": 200}`.

    A `webhook` has `status`, `body` and `error`; a `branch` and a `split` have `path`; a `wait_for`
    has the `data` of its event.
    """

    allowed_in = frozenset({"step"})
    says = "the {output} of step {step} {compared}"
    uses = (("step", "step"),)
    looks_at = ("output", "steps.{step}.{output}")
    step: StepId = Field(description="The id of the earlier step.")
    output: Path = Field(description="Which part of its result: `body.tier`, `status`, `path`.")


def given(part: FileModel) -> dict[str, Any]:
    """The given fields of a part of a file, by their names in the file."""
    return part.model_dump(by_alias=True, exclude_none=True)


class Times(FileModel):
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


class Windowed(LeafFile):
    """A leaf that reads past events, filtered by its `where`."""

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

    def _window(self) -> str:
        clause = f" in the last {describe_duration(self.within)}" if self.within else ""
        if self.since:
            clause += " since entering"
        if self.where:
            clause += f" (counting only where {self.where.describe('its')})"
        return clause


class _Behavior(Windowed):
    times: Times | None = Field(None, description="How often; at least once if left out.")

    def _often(self) -> str:
        often = f" {count_words(given(self.times), times)}" if self.times else ""
        return f"{often}{self._window()}"


class Did(_Behavior):
    """The contact did something: `{"did": "Order Completed", "times": {"gte": 2}}`.

    `within` and `since` do not go together: give one of them, or none to count all time.
    """

    did: EventName

    def describe(self, whose: str) -> str:
        return f"the contact did {bold(self.did)}{self._often()}"


class DidNot(_Behavior):
    """The contact did not do something: `{"did_not": "Order Completed", "within": "30 days"}`.

    With `times` it means: not that often.
    """

    did_not: EventName

    def describe(self, whose: str) -> str:
        return f"the contact did not do {bold(self.did_not)}{self._often()}"


class SumOf(Windowed):
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

    def describe(self, whose: str) -> str:
        events = f"{bold(self.sum_of)}{self._window()}"
        return f"the sum of {code(self.of)} over {events} {words(given(self), value)}"


class EmailEventCondition(LeafFile):
    """What happened to an earlier e-mail of this workflow: `{"email": "hi", "was": "clicked"}`."""

    allowed_in = frozenset({"step"})
    uses = (("email", "e-mail"),)
    email: StepId = Field(description="The id of the `send_email` step.")
    was: Literal["delivered", "opened", "clicked", "bounced", "complained"] = Field(
        description="What happened to it."
    )
    link: str | None = Field(
        None, description="With `clicked`: only this link, written exactly as in the mail."
    )
    include_bots: bool = Field(
        default=False,
        description="With `opened` and `clicked`: also count opens and clicks by bots (mail "
        "programs and link scanners).",
    )

    def value_checks(self) -> Iterator[Problem]:
        if self.link and self.was != "clicked":
            yield Problem("link", "goes with clicked alone", 'say {"was": "clicked"}')
        elif self.include_bots and self.was not in ("opened", "clicked"):
            yield Problem("include_bots", "goes with opened and clicked alone", "leave it out")

    def describe(self, whose: str) -> str:
        link = f" at {quoted(self.link)}" if self.link else ""
        bots = " (opens and clicks by bots count too)" if self.include_bots else ""
        was = "complained about" if self.was == "complained" else self.was
        return f"the e-mail of step {code(self.email)} was {was}{link}{bots}"


class ConsentsTo(LeafFile):
    """The contact said yes to a topic and did not take it back: `{"consents_to": "offers"}`."""

    says = "the contact consents to {consents_to}"
    uses = (("consents_to", "topic"),)
    consents_to: Topic


class InWorkflow(LeafFile):
    """The contact is in a workflow now: `{"in_workflow": "welcome"}`."""

    says = "the contact is inside the workflow {in_workflow}"
    uses = (("in_workflow", "workflow"),)
    in_workflow: WorkflowName


class InList(LeafFile):
    """The contact is on a list: `{"in_list": "newsletter"}`."""

    says = "the contact is on the list {in_list}"
    in_list: ListName


class InSegment(LeafFile):
    """The contact is in a segment: `{"in_segment": "vip"}`."""

    says = "the contact is in the segment {in_segment}"
    uses = (("in_segment", "segment"),)
    in_segment: SegmentName


LEAF_FILES: Final[dict[str, type[LeafFile]]] = {
    "contact": ContactCondition,
    "did": Did,
    "did_not": DidNot,
    "sum_of": SumOf,
    "email": EmailEventCondition,
    "step": StepIs,
    "consents_to": ConsentsTo,
    "in_workflow": InWorkflow,
    "in_list": InList,
    "in_segment": InSegment,
    "event": EventCondition,
}
"""By the key of the leaf in a file."""
