"""Models of `scoring.json` and of a segment's file."""

from typing import Self

from pydantic import Field, model_validator

from milepost.base.file_model import EventName, FileModel, SomeTime, Stage, StepId
from milepost.base.times import parse_duration
from milepost.conditions.file import Condition
from milepost.segments.scoring import STEPS


class PointRule(FileModel):
    """What one kind of event is worth."""

    id: StepId = Field(description="The id of this rule; every rule has its own.")
    event: EventName
    points: int = Field(ge=-1000, le=1000, description="How many points; fewer with a minus.")
    where: Condition | None = Field(
        None, description="Only these events. It can ask about `event`."
    )
    most: int | None = Field(
        None,
        gt=0,
        le=100_000,
        description="The highest number of points for all events of this rule together.",
    )


class ScoreDecay(FileModel):
    """How points decay. Give either `half_life`, or `steps` and `every`."""

    half_life: SomeTime | None = Field(
        None, description="Points lose half of their value in this time."
    )
    steps: int | None = Field(
        None, ge=1, le=60, description="Points decay in this number of equal steps."
    )
    every: SomeTime | None = Field(None, description="The time of one step: `7 days`.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.steps is None) != (self.every is None):
            raise ValueError("steps and every go together")
        if (self.half_life is None) is (self.steps is None):
            raise ValueError("needs either half_life, or steps and every")
        if self.period() < 1:
            raise ValueError("is too quick: points fade in steps of a minute at least")
        return self

    def period(self) -> int:
        """The minutes of one step."""
        whole = parse_duration(self.half_life or self.every or "")
        steps = STEPS if self.half_life else 1
        return int(whole.total_seconds()) // 60 // steps


class StageRule(FileModel):
    """A stage of the customer life cycle, and the contacts in it."""

    stage: Stage
    if_: Condition = Field(
        alias="if",
        title="if",
        description="The condition of the stage. It can use what a segment can use.",
    )


class ScoringFile(FileModel):
    """What events are worth, how points decay, and the stages of the customer life cycle."""

    schema_: str | None = Field(
        None, alias="$schema", description="The path to the JSON Schema, for your editor."
    )
    points: list[PointRule] = Field(
        default_factory=list, max_length=100, description="What events are worth."
    )
    decay: ScoreDecay | None = Field(None, description="How points decay; they stay if left out.")
    least: float | None = Field(None, description="A score is never less than this.")
    most: float | None = Field(None, description="A score is never more than this.")
    stages: list[StageRule] = Field(
        default_factory=list,
        max_length=20,
        description="The stages in order, the first one first. A contact is in the last one whose "
        "condition is true.",
    )
    fall_back: bool = Field(
        default=False, description="`true`: a contact may go back to an earlier stage."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        ids = [rule.id for rule in self.points]
        twice = next((each for each in ids if ids.count(each) > 1), None)
        if twice:
            raise ValueError(f'two rules are called "{twice}"')
        names = [rule.stage for rule in self.stages]
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice:
            raise ValueError(f'the stage "{twice}" is there twice')
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is more than most")
        return self


class SegmentFile(FileModel):
    """A segment: the contacts that match a condition, or that you have added."""

    schema_: str | None = Field(
        None, alias="$schema", description="The path to the JSON Schema, for your editor."
    )
    title: str = Field(min_length=1, max_length=120, description="What people call the segment.")
    description: str | None = Field(
        None, max_length=2000, description="Who it is for, in your words. Only people read it."
    )
    condition: Condition | None = Field(
        None,
        description="Who belongs to it. Contacts enter and leave by themselves as it becomes true "
        "and false. It can ask about all but `event`, `email` and `step`.",
    )
    static: bool = Field(
        default=False,
        description="`true`: the API or an import adds and removes contacts, and there is no "
        "condition.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.static is (self.condition is not None):
            raise ValueError('needs either a condition or "static": true')
        return self
