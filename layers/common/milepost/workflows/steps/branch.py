"""`branch`: takes the first path whose condition holds."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from milepost.base.file_model import FileModel
from milepost.base.markdown import bold
from milepost.conditions.file import Condition, describe_condition
from milepost.workflows.step_type import (
    LayOut,
    Node,
    Part,
    PathName,
    Step,
    StepCondition,
    StepList,
    StepType,
)

if TYPE_CHECKING:
    from milepost.workflows.steps import AnyStep


class BranchPath(FileModel):
    """One path of a branch, taken when its condition holds."""

    name: PathName
    if_: Condition = Field(alias="if", title="if", description="Who takes this path.")
    steps: list["AnyStep"] = Field(
        default_factory=list,
        description="The steps of this path. After them, on to the step below.",
    )


class Branch(Step):
    """Takes the first path whose condition holds; if none does, `else`."""

    type: Literal["branch"] = Field(description="Chooses a path.")
    paths: list[BranchPath] = Field(
        min_length=1, max_length=50, description="The paths, from top to bottom."
    )
    else_: list["AnyStep"] = Field(
        default_factory=list,
        alias="else",
        title="else",
        description="Steps for all other contacts. After them, on to the step below.",
    )


def _lists(step: Branch) -> Iterator[StepList]:
    for number, path in enumerate(step.paths):
        place, name = f"paths[{number}].steps", f"on {bold(path.name)}"
        yield StepList(place, path.steps, name, partial(_taken, path), path.name)
    yield StepList("else", step.else_, "otherwise", lambda: "otherwise", "else")


def _taken(path: BranchPath) -> str:
    return f"{bold(path.name)}, {_asks(path)}"


def _asks(path: BranchPath) -> str:
    return f"if {describe_condition(path.if_)}"


def _flatten(step: Branch, node: Node, following: str, lay_out: LayOut) -> None:
    for path, written in zip(step.paths, node["paths"], strict=True):
        written.pop("steps", None)
        written["next"] = lay_out(path.steps)
    node["else"] = lay_out(step.else_)


STEP = StepType(
    model=Branch,
    describe=lambda _: "Take the first path whose condition holds",
    label=lambda _: "Which path?",
    shape="diamond",
    lists=_lists,
    inner=(BranchPath,),
    parts=lambda step: [
        Part("path", f"paths[{number}]", path.name, partial(_asks, path))
        for number, path in enumerate(step.paths)
    ],
    flatten=_flatten,
    results={"path": "text", "why": "text"},
    conditions=lambda step: [
        StepCondition(f"paths[{number}].if", path.if_) for number, path in enumerate(step.paths)
    ],
)
