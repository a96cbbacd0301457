"""A trigger type as a marketer writes it: its model, and all that is known of it besides.

How it lets contacts in is in `enrollments/trigger_types.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NamedTuple, TypeVar, get_args

from milepost.base.file_model import FileModel
from milepost.base.problems import Problem
from milepost.workflows.step_type import no_parts


class TriggerModel(FileModel):
    """What every trigger has."""

    if TYPE_CHECKING:
        type: str


class TriggerUse(NamedTuple):
    """Something that a trigger names; `step` is one of the workflow's."""

    kind: Literal["form", "segment", "workflow"]
    name: str
    step: str | None = None


class ValueCheck(NamedTuple):
    """A field of the contact that a trigger asks about, and what its value must be for that: a
    date, a number (then `number` is the field that says so), or of the kind of these bounds."""

    path: str
    bounds: Mapping[str, Any] = {}
    number: str = ""
    date: bool = False


class GoingLive(NamedTuple):
    """When and where a trigger goes live, and whether a contact may come again."""

    now: datetime
    store_timezone: str
    comes_again: bool


T = TypeVar("T", bound=TriggerModel)


@dataclass(frozen=True, slots=True)
class TriggerType(Generic[T]):
    """One type of trigger. What has a default is left out by one that has nothing of the kind."""

    model: type[T]
    describe: Callable[[T], str]
    """What stands after `Begins when`, in Markdown."""
    label: Callable[[T], str]
    """A word or two of plain text, for the box in the picture."""
    uses: Callable[[T], Iterable[TriggerUse]] = no_parts
    value_checks: Callable[[T], Iterable[ValueCheck]] = no_parts
    check_live: Callable[[T, GoingLive], Iterable[Problem]] = no_parts
    """What is wrong with it at the moment it is to go live."""
    from_visitors: Callable[[T], bool] = lambda _: False
    """Whether anybody with a browser can cause its event, and chooses the data of it."""
    instead: str = ""
    """What to use instead; a trigger type that has this cannot be published."""

    @property
    def name(self) -> str:
        return str(get_args(self.model.model_fields["type"].annotation)[0])


EXTRA_TRIGGERS: Final[list[TriggerType[Any]]] = []
"""Trigger types from outside the package: they have to be here before `workflows.triggers` is
imported, for the file's model is made of all types at once."""
