"""The workflow file, and a walk through its steps."""

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import Duration, EventName, FileModel, StepId, Topic
from milepost.conditions.file import Condition
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.triggers import Trigger


class Reentry(FileModel):
    """Whether a contact who was here before may come again."""

    allow: Literal["never", "always", "after"] = Field(
        default="never", description="`never`, `always`, or `after` some time."
    )
    after: Duration | None = Field(
        default=None, description="With `after`: how long after entering the last time."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.allow == "after") != (self.after is not None):
            raise ValueError('write {"allow": "after", "after": "7 days"}: the two go together')
        return self


class ExitOn(FileModel):
    """An event that lets the contact leave at once, whatever step it is at."""

    event: EventName
    where: Condition | None = Field(
        None, description="Only these events. It can ask about `event`."
    )


class Goal(FileModel):
    """What the workflow is for. A contact who does it counts as a conversion, and leaves."""

    event: EventName
    where: Condition | None = Field(
        None, description="Only these events. It can ask about `event`."
    )
    within: Duration = Field(
        "30 days", description="It counts if it happens this soon after entering."
    )


class OnPublishPolicy(FileModel):
    """What a new version of the file does to contacts in an older one."""

    on_publish: Literal["drain", "cancel", "migrate"] = Field(
        "drain",
        description="`drain`: they finish the old version; `cancel`: they leave; `migrate`: they "
        "continue in the new version, at the step where they wait.",
    )
    renamed_steps: dict[StepId, StepId] = Field(
        default_factory=dict,
        max_length=100,
        description="With `migrate`: old ids of steps and their new ids, if ids changed.",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.renamed_steps and self.on_publish != "migrate":
            raise ValueError('renamed_steps needs on_publish "migrate"')
        return self


class Workflow(FileModel):
    """A workflow: who enters, what happens to them, and when they leave."""

    schema_: str | None = Field(
        None, alias="$schema", description="The path to the JSON Schema, for your editor."
    )
    title: str = Field(min_length=1, max_length=120, description="What people call the workflow.")
    description: str | None = Field(
        None, description="What it is for, in your words. Only people read it."
    )
    status: Literal["live", "paused", "draft"] = Field(
        "live",
        description="`live`, `paused` (no contact enters, contacts in the workflow stand still), "
        "or `draft` (no contact enters).",
    )
    category: Literal["marketing", "transactional"] = Field(
        "marketing",
        description="`marketing` goes only to contacts who said yes to its topic; `transactional` "
        "is for orders and accounts.",
    )
    topic: Topic | None = Field(
        None, description="The topic of its mails; the first topic of `settings.json` if left out."
    )
    trigger: Trigger = Field(description="What lets a contact in.")
    audience: Condition | None = Field(
        None,
        description="Which contacts may be in the workflow. Checked when they enter, and again "
        "before every e-mail.",
    )
    reentry: Reentry = Field(
        Reentry(), description="Whether a contact may come again; never if left out."
    )
    active_enrollments: "OnPublishPolicy | None" = Field(
        None,
        description="What a published change does to contacts in the workflow; they finish the old "
        "version if left out.",
    )
    exit_on: list[ExitOn] = Field(
        default_factory=list, max_length=20, description="Events that let a contact leave at once."
    )
    goal: Goal | None = Field(
        None, description="What the workflow is for. A contact who does this leaves."
    )
    steps: list[AnyStep] = Field(
        min_length=1, max_length=1000, description="What happens, from top to bottom."
    )


def walk(steps: Sequence[AnyStep], place: str = "steps") -> Iterator[tuple[str, AnyStep]]:
    """Every step in reading order, with places like `steps[2].on_timeout[0]`."""
    for number, step in enumerate(steps):
        here = f"{place}[{number}]"
        yield here, step
        for inner in type_of(step).lists(step):
            yield from walk(inner.steps, f"{here}.{inner.place}")


def fields_of_its_own(step: AnyStep) -> dict[str, object]:
    """What the file says of a step, without the steps and the conditions inside it."""
    kind = type_of(step)
    inside = [each.place for each in kind.lists(step)]
    inside += [each.place for each in kind.conditions(step)]
    names = {place.partition(".")[0].partition("[")[0] for place in inside}
    document = step.model_dump(by_alias=True, exclude_none=True)
    return {name: value for name, value in document.items() if name not in names}
