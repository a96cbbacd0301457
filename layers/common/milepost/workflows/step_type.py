"""A step type as a marketer writes it: its model, and all that is known of it besides.

Only publishing and the command line load this. How a step leads on is in `enrollments/step_flow.py`
and what it does in `runtime/steps`: `tests/workflows/test_step_types.py` compares the tables.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    TypeVar,
    get_args,
)

from pydantic import Field

from milepost.base.file_model import FileModel, StepId
from milepost.conditions.file import Condition

Category = Literal["marketing", "transactional"]
ValueKind = Literal["text", "number", "flag", "any"]
Shape = Literal["box", "rounded", "pill", "diamond", "hexagon", "circle", "subroutine"]

CALL_RESULTS: Final[Mapping[str, ValueKind]] = {
    "status": "number",
    "body": "any",
    "error": "text",
    "truncated": "flag",
}
"""What a step comes to that calls another system."""

EVENT_RESULTS: Final[Mapping[str, ValueKind]] = {"event": "text", "data": "any", "changes": "any"}
"""What a step comes to that reports an event."""

PathName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        description="The name of this path in reports. Each path of a step has its own.",
    ),
]


class Step(FileModel):
    """What every step has."""

    id: StepId
    note: str | None = Field(None, description="A note for people. Nothing else reads it.")
    if TYPE_CHECKING:
        type: str


class StepList(NamedTuple):
    """A list of steps that a step holds, at this place in it: `paths[0].steps`.

    `name` stays when paths change places, `title` says when it is taken, and `label` does so on the
    line of the picture.
    """

    place: str
    steps: Sequence[Step]
    name: str
    title: Callable[[], str]
    label: str


class Part(NamedTuple):
    """A path or a variant: it has a name of its own, and `says` who takes it."""

    kind: Literal["path", "variant"]
    place: str
    name: str
    says: Callable[[], str]


class StepCondition(NamedTuple):
    """A condition in a step; `of_event` if it is asked when one event is seen, and nothing else of
    the contact is loaded."""

    place: str
    condition: Condition | None
    of_event: bool = False


class Use(NamedTuple):
    """Something that a step names, in this field of it. Without a `category` the mail is of the
    workflow's own; without a `version` the template is the live one."""

    kind: Literal["alerts", "file", "sender", "step", "template", "topic", "workflow"]
    name: str
    field: str = ""
    category: Category | None = None
    version: str | None = None


S = TypeVar("S", bound=Step)
Node = dict[str, Any]
LayOut = Callable[[Sequence[Step]], str]
"""Lays a list of steps out, and answers with the id that it begins with."""


def no_parts(*_: Any) -> tuple[Any, ...]:
    return ()


def _goes_on(_: Step, node: Node, following: str, __: LayOut) -> None:
    node["next"] = following


@dataclass(frozen=True, slots=True)
class StepType(Generic[S]):
    """One type of step. What has a default is left out by a step that has nothing of the kind."""

    model: type[S]
    describe: Callable[[S], str]
    """A sentence in Markdown without its full stop, without the steps inside."""
    label: Callable[[S], str]
    """Two or three words of plain text, for the box in the picture."""
    shape: Shape = "box"
    lists: Callable[[S], Iterable[StepList]] = no_parts
    inner: tuple[type[FileModel], ...] = ()
    """The models that hold lists of steps for it."""
    parts: Callable[[S], Iterable[Part]] = no_parts
    flatten: Callable[[S, Node, str, LayOut], None] = _goes_on
    """Write successors into its node, with the id of the step below it."""
    leads_below: bool = True
    """Whether it goes on at the step below it."""
    leaves: Callable[[S], str] = lambda _: ""
    """The label of the line to the end, if a contact may leave at it."""
    results: Mapping[str, ValueKind] = field(default_factory=dict)
    """The parts of `steps.<id>`."""
    uses: Callable[[S], Iterable[Use]] = no_parts
    conditions: Callable[[S], Iterable[StepCondition]] = no_parts
    data_paths: Callable[[S], Iterable[tuple[str, str]]] = no_parts
    """Fields and the places in the data that they name, besides `{"from": ...}`."""
    mistakes: Callable[[S], Iterable[tuple[str, str]]] = no_parts
    """Fields and what is wrong with them, for what a model cannot tell."""
    instead: str = ""
    """What to use instead; a step type that has this cannot be published."""
    instead_of: Mapping[str, str] = field(default_factory=dict)
    """The same for fields that cannot be used yet."""

    @property
    def name(self) -> str:
        return str(get_args(self.model.model_fields["type"].annotation)[0])


EXTRA_STEPS: Final[list[StepType[Any]]] = []
"""Step types from outside the package: they have to be here before `workflows.steps` is imported,
for the file's model is made of all types at once."""
