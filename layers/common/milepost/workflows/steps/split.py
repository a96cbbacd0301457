"""`split`: chooses a path by chance."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import FileModel, SomeTime
from milepost.base.markdown import bold, describe_duration, plural, share
from milepost.workflows.step_type import LayOut, Node, Part, PathName, Step, StepList, StepType

if TYPE_CHECKING:
    from milepost.workflows.steps import AnyStep


class SplitPath(FileModel):
    """One path of a split."""

    name: PathName
    weight: int = Field(
        1,
        ge=0,
        le=1000,
        description="Its share. With 1 here and 3 on the other, it is one contact in four.",
    )
    steps: list["AnyStep"] = Field(
        default_factory=list,
        description="The steps of this path. After them, on to the step below.",
    )


class Winner(FileModel):
    """Sends all contacts to the better path after some time."""

    metric: Literal["opened", "clicked", "goal", "revenue"] = Field(
        description="What makes a path better."
    )
    after: SomeTime = Field(description="Not before this much time has passed.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="How sure to be.")


class Split(Step):
    """Chooses a path by chance. The weights say how many contacts take which."""

    type: Literal["split"] = Field(description="Chooses a path by chance.")
    paths: list[SplitPath] = Field(
        min_length=2, max_length=20, description="The paths and their weights."
    )
    winner: Winner | None = Field(
        None, description="Sends all contacts to the better path after some time."
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not sum(path.weight for path in self.paths):
            raise ValueError("every path has weight 0: nobody could take one")
        return self


def _lists(step: Split) -> Iterator[StepList]:
    whole = sum(path.weight for path in step.paths)
    for number, path in enumerate(step.paths):
        place, name, part = f"paths[{number}].steps", bold(path.name), share(path.weight, whole)
        title = partial("{}, {} of people".format, name, part)
        yield StepList(place, path.steps, f"on {name}", title, f"{part} {path.name}")


def _flatten(step: Split, node: Node, following: str, lay_out: LayOut) -> None:
    for path, written in zip(step.paths, node["paths"], strict=True):
        written.pop("steps", None)
        written["next"] = lay_out(path.steps)


def _describe(step: Split) -> str:
    said = f"Choose one of {plural(len(step.paths), 'path')} by chance"
    if step.winner is None:
        return said
    metric = {"opened": "is opened more", "clicked": "is clicked more", "goal": "wins more people"}
    better = metric.get(step.winner.metric, "earns more")
    sure = f"{step.winner.confidence:.10%}".rstrip("0%").removesuffix(".") + "%"
    return (
        f"{said}; not before {describe_duration(step.winner.after)} have passed, everybody "
        "goes the way "
        f"that {better}, when that is {sure} sure"
    )


STEP = StepType(
    model=Split,
    describe=_describe,
    label=lambda _: "By chance",
    shape="diamond",
    lists=_lists,
    inner=(SplitPath,),
    parts=lambda step: [
        Part("path", f"paths[{number}]", path.name, partial("weight {}".format, path.weight))
        for number, path in enumerate(step.paths)
    ],
    flatten=_flatten,
    results={"path": "text"},
    instead_of={"winner": "leave it out: compare the paths yourself, then change the weights"},
)
