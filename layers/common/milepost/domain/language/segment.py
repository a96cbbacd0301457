"""The file of a segment as a model: who belongs to it."""

from typing import Self

from pydantic import Field, model_validator

from milepost.domain.language.conditions import Condition
from milepost.domain.language.model import Model


class SegmentFile(Model):
    """A segment: everybody whom a condition is true of, or whom you have put there."""

    schema_: str | None = Field(
        None, alias="$schema", description="Where your editor finds this language."
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
        description="`true`: contacts are put into it and taken out by the API or an import, and "
        "there is no condition.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.static is (self.condition is not None):
            raise ValueError('needs either a condition or "static": true')
        return self
