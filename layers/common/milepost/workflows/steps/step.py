"""What every step has."""

from typing import Annotated

from pydantic import Field

from milepost.base.file_model import FileModel, StepId

PathName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        description="The name of this path in reports. Each path of a step has its own.",
    ),
]


class Step(FileModel):
    """What every step has."""

    id: StepId
    note: str | None = Field(None, description="A note for people. Nothing else reads it.")
