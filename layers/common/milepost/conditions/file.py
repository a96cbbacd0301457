"""Models of conditions in files; `conditions/evaluate.py` evaluates them."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Discriminator, Field, Tag

from milepost.base.markdown import listed
from milepost.conditions.leaf_files import LEAF_FILES, ConditionFile


class AllOf(ConditionFile):
    """All of these conditions hold: `{"all": [..., ...]}`."""

    all: list["Condition"] = Field(
        min_length=1, max_length=100, description="The conditions. All of them must hold."
    )

    def describe(self, whose: str) -> str:
        return listed([_inside(part, whose) for part in self.all])


class AnyOf(ConditionFile):
    """At least one of these conditions holds: `{"any": [..., ...]}`."""

    any: list["Condition"] = Field(
        min_length=1, max_length=100, description="The conditions. One of them must hold."
    )

    def describe(self, whose: str) -> str:
        return listed([_inside(part, whose) for part in self.any], "or")


class NotCondition(ConditionFile):
    """This condition does not hold: `{"not": {...}}`."""

    not_: "Condition" = Field(alias="not", description="The condition that must not hold.")

    def describe(self, whose: str) -> str:
        return f"it is not so that ({self.not_.describe(whose)})"


def _inside(part: ConditionFile, whose: str) -> str:
    """A part of a group, in brackets if it is a group of several parts."""
    parts = part.all if isinstance(part, AllOf) else part.any if isinstance(part, AnyOf) else []
    clause = part.describe(whose)
    return f"({clause})" if len(parts) > 1 else clause


def describe_condition(condition: ConditionFile, whose: str = "the event's") -> str:
    """A condition as a clause, in Markdown. `whose` names the owner of an `event` path's data."""
    return condition.describe(whose)


_MODELS: Final[dict[str, type[ConditionFile]]] = {
    "all": AllOf, "any": AnyOf, "not": NotCondition, **LEAF_FILES
}  # fmt: skip
"""Every condition by the key that names it."""


def _key(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in _MODELS if key in value), None)
    return next((key for key, model in _MODELS.items() if isinstance(value, model)), None)


if TYPE_CHECKING:
    Condition = ConditionFile
else:
    Condition = Annotated[
        reduce(or_, (Annotated[model, Tag(key)] for key, model in _MODELS.items())),
        Discriminator(
            _key,
            custom_error_type="condition",
            custom_error_message="is not a condition: it needs one of " + ", ".join(_MODELS),
        ),
    ]

for _model in _MODELS.values():
    # The models refer to the union, which their modules cannot import.
    _model.model_rebuild(_types_namespace={"Condition": Condition})
