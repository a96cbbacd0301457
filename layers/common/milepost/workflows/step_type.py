"""A step type as it is written in a file: its model and its metadata.

Only publishing and the command line load this. The successors of a step are in
`enrollments/program.py`, its action is in `runtime/steps`; `tests/workflows/test_step_types.py`
compares the tables.
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
"""The results of a step that calls another system."""

EVENT_RESULTS: Final[Mapping[str, ValueKind]] = {"event": "text", "data": "any", "changes": "any"}
"""The results of a step that emits an event."""

PathName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        description="The name of this path in reports. Each path of a step has its own.",
    ),
]


class Step(FileModel):
    """The fields of every step."""

    id: StepId
    note: str | None = Field(None, description="A note for people. Nothing else reads it.")
    if TYPE_CHECKING:
        type: str


class StepList(NamedTuple):
    """A list of steps inside a step, at a path like `paths[0].steps`.

    `name` does not depend on the order of paths. `title` (text) and `label` (picture) say when the
    list is taken.
    """

    place: str
    steps: Sequence[Step]
    name: str
    title: Callable[[], str]
    label: str


class Part(NamedTuple):
    """A named path or variant; `says` describes which contacts take it."""

    kind: Literal["path", "variant"]
    place: str
    name: str
    says: Callable[[], str]


class StepCondition(NamedTuple):
    """A condition in a step; `of_event` if it is evaluated for one event, without step data."""

    place: str
    condition: Condition | None
    of_event: bool = False


class Use(NamedTuple):
    """A reference in a field of a step. `category` is the workflow's by default, `version` the live
    template's."""

    kind: Literal["alerts", "file", "sender", "step", "template", "topic", "workflow"]
    name: str
    field: str = ""
    category: Category | None = None
    version: str | None = None


S = TypeVar("S", bound=Step)
Node = dict[str, Any]
LayOut = Callable[[Sequence[Step]], str]
"""Adds the nodes of a list of steps; returns the id of the first."""


def no_parts(*_: Any) -> tuple[Any, ...]:
    return ()


def _goes_on(_: Step, node: Node, following: str, __: LayOut) -> None:
    node["next"] = following


@dataclass(frozen=True, slots=True)
class StepType(Generic[S]):
    """One type of step. The defaults fit a step without lists, references and conditions."""

    model: type[S]
    describe: Callable[[S], str]
    """A Markdown sentence without its full stop and without the inner steps."""
    label: Callable[[S], str]
    """Two or three words of plain text for the picture."""
    shape: Shape = "box"
    lists: Callable[[S], Iterable[StepList]] = no_parts
    inner: tuple[type[FileModel], ...] = ()
    """The models of its fields that hold lists of steps."""
    parts: Callable[[S], Iterable[Part]] = no_parts
    flatten: Callable[[S, Node, str, LayOut], None] = _goes_on
    """Writes successors into the node; gets the id of the step below."""
    leads_below: bool = True
    """Whether it continues at the step below it."""
    leaves: Callable[[S], str] = lambda _: ""
    """The label of the line to the end, if contacts can leave at this step."""
    results: Mapping[str, ValueKind] = field(default_factory=dict)
    """The parts of `steps.<id>`."""
    uses: Callable[[S], Iterable[Use]] = no_parts
    conditions: Callable[[S], Iterable[StepCondition]] = no_parts
    data_paths: Callable[[S], Iterable[tuple[str, str]]] = no_parts
    """Fields and the data paths in them, other than `{"from": ...}`."""
    mistakes: Callable[[S], Iterable[tuple[str, str]]] = no_parts
    """Fields and problems that the model cannot detect."""
    instead: str = ""
    """What to use instead; a step type that has this cannot be published."""
    instead_of: Mapping[str, str] = field(default_factory=dict)
    """The same for fields that cannot be used yet."""

    @property
    def name(self) -> str:
        return str(get_args(self.model.model_fields["type"].annotation)[0])


EXTRA_STEPS: Final[list[StepType[Any]]] = []
"""Step types from outside the package. Add them before the import of `workflows.steps`, which
builds the file's model from all types."""
