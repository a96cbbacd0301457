"""Steps that choose where to go on."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import FileModel, SomeTime, StepId
from milepost.conditions.file import Condition
from milepost.workflows.steps.step import PathName, Step

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


class Holdout(Step):
    """Keeps some contacts out, to measure the workflow's effect. They leave and are counted."""

    type: Literal["holdout"] = Field(description="Keeps a control group out.")
    percent: float = Field(gt=0, lt=100, description="How many contacts of 100 are kept out.")


class Exit(Step):
    """The contact leaves the workflow."""

    type: Literal["exit"] = Field(description="Leaves the workflow.")
    reason: str = Field(
        "left", min_length=1, max_length=100, description="Why, as reports say it: `came back`."
    )


class Goto(Step):
    """Continues at another step, above or below.

    Going back makes a loop. A loop needs `max`, and a step in it that waits.
    """

    type: Literal["goto"] = Field(description="Continues at another step.")
    to: StepId = Field(description="The step to continue at.")
    max: int | None = Field(
        None, ge=1, le=1000, description="How often at most. After that, on to the step below."
    )
