"""A trigger type as it is written in a file: its model and its metadata.

`enrollments/trigger_types.py` says how it lets contacts in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NamedTuple, TypeVar, get_args

from milepost.base.file_model import FileModel
from milepost.base.problems import Problem
from milepost.workflows.step_type import no_parts


class TriggerModel(FileModel):
    """The base of all triggers."""

    if TYPE_CHECKING:
        type: str


class TriggerUse(NamedTuple):
    """A reference in a trigger; `step` is a step of the named workflow."""

    kind: Literal["form", "segment", "workflow"]
    name: str
    step: str | None = None


class ValueCheck(NamedTuple):
    """The contact field of a trigger and its required type: a date, a number (`number` names the
    trigger's field), or the type of `bounds`."""

    path: str
    bounds: Mapping[str, Any] = {}
    number: str = ""
    date: bool = False


class GoingLive(NamedTuple):
    """The time and time zone of a publish, and whether contacts may enter again."""

    now: datetime
    store_timezone: str
    comes_again: bool


T = TypeVar("T", bound=TriggerModel)


@dataclass(frozen=True, slots=True)
class TriggerType(Generic[T]):
    """One type of trigger. The defaults fit a trigger without references and checks."""

    model: type[T]
    describe: Callable[[T], str]
    """The Markdown text after `Begins when`."""
    label: Callable[[T], str]
    """A word or two of plain text for the picture."""
    uses: Callable[[T], Iterable[TriggerUse]] = no_parts
    value_checks: Callable[[T], Iterable[ValueCheck]] = no_parts
    check_live: Callable[[T, GoingLive], Iterable[Problem]] = no_parts
    """Problems that depend on the time of the publish."""
    from_visitors: Callable[[T], bool] = lambda _: False
    """Whether any visitor with a browser can cause its event and choose its data."""
    instead: str = ""
    """What to use instead; a trigger type that has this cannot be published."""

    @property
    def name(self) -> str:
        return str(get_args(self.model.model_fields["type"].annotation)[0])


EXTRA_TRIGGERS: Final[list[TriggerType[Any]]] = []
"""Trigger types from outside the package. Add them before the import of `workflows.triggers`, which
builds the file's model from all types."""
