"""Every word of the workflow language, and the example that shows it.

An example is a whole workflow. Its name tells what it shows: `step-delay`, `trigger-list`,
`condition-did`, `operator-gte`, and `part-goal` for an object with fields of its own.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, get_args

from milepost.base.file_model import FileModel
from milepost.conditions.file import Condition
from milepost.conditions.leaf_files import LEAF_FILES, Comparison
from milepost.conditions.operators import OPERATORS
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import AnyStep
from milepost.workflows.triggers import Trigger
from milepost_tools.reference.field_types import nested_models

Json = dict[str, Any]
COMPARED: Final = tuple(k for k, model in LEAF_FILES.items() if issubclass(model, Comparison))
"""The conditions that look up a value and compare it with an operator."""


class Kind(NamedTuple):
    """A word of the language: its kind, its name in the file, and its model."""

    sort: str
    name: str
    model: type[FileModel]

    @property
    def example(self) -> str:
        return f"{self.sort}-{self.name}".replace("_", "-")


def _members(union: Any) -> tuple[Any, ...]:
    return get_args(get_args(union)[0])


def _typed(sort: str, union: Any) -> list[Kind]:
    members = _members(union)
    return [Kind(sort, get_args(m.model_fields["type"].annotation)[0], m) for m in members]


def parts_of(model: type[FileModel]) -> list[Kind]:
    return [Kind("part", name, inner) for name, inner in nested_models(model)]


TRIGGERS: Final = _typed("trigger", Trigger)
STEPS: Final = _typed("step", AnyStep)
CONDITIONS: Final = [
    Kind("condition", get_args(member)[1].tag, get_args(member)[0])
    for member in _members(Condition)
]
_SHOWN_INSIDE: Final = ("paths", "times")
"""Parts that the example of their own step or condition shows."""


def operator_example(name: str) -> str:
    """The name of an operator's example."""
    return f"operator-{name}".replace("_", "-")


def examples_needed() -> list[str]:
    """The names of the examples that the reference shows."""
    models: list[type[FileModel]] = [
        Workflow,
        *(kind.model for kind in (*TRIGGERS, *STEPS, *CONDITIONS)),
    ]
    inner = [part for model in models for part in parts_of(model)]
    parted = [part.example for part in inner if part.name not in _SHOWN_INSIDE]
    whole = [kind.example for kind in (*TRIGGERS, *STEPS, *CONDITIONS)]
    operators = [operator_example(name) for name in OPERATORS]
    return list(dict.fromkeys([*whole, *operators, *parted]))


def examples_of(example: str, document: Json) -> Json:
    """The part of an example that the page shows. Raises LookupError if the example has none."""
    sort, _, name = example.partition("-")
    found = _find(sort, name.replace("-", "_"), document)
    try:
        return next(found)
    except StopIteration:
        raise LookupError(f"the example {example} has no {sort} {name}") from None


def _find(sort: str, name: str, document: Json) -> Iterator[Json]:
    match sort:
        case "trigger":
            heads = [{"trigger": document["trigger"]}]
            return (head for head in heads if head["trigger"]["type"] == name)
        case "step":
            return (each for each in _objects(document["steps"]) if each.get("type") == name)
        case "condition":
            return (each for each in _conditions(document) if name in each)
        case "operator":
            asked = (each for each in _conditions(document) if not each.keys().isdisjoint(COMPARED))
            return (each for each in asked if name in each)
        case _:
            return ({name: each[name]} for each in _objects(document) if name in each)


def _objects(part: Any) -> Iterator[Json]:
    if isinstance(part, dict):
        yield part
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for each in inner:
        yield from _objects(each)


def _conditions(document: Json) -> Iterator[Json]:
    for each in _objects(document):
        for place in ("where", "audience", "if"):
            if isinstance(each.get(place), dict):
                yield from _objects(each[place])
