"""Steps that change the contact, or report something about it."""

from json import dumps
from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.dates import find_zone
from milepost.base.file_model import (
    SLUG,
    EventName,
    ListName,
    PropertyName,
    SomeTime,
    Stage,
    Text,
    Value,
    WorkflowName,
)
from milepost.base.languages import normalize
from milepost.contacts.profile import MAX_VALUE_LENGTH
from milepost.workflows.steps.step import Step


class UpdateContact(Step):
    """Changes fields of the contact. Give at least one field below, and each property only once."""

    type: Literal["update_contact"] = Field(description="Changes the contact.")
    set: dict[PropertyName, Value] = Field(
        default_factory=dict, max_length=50, description="Properties and their new values."
    )
    unset: list[PropertyName] = Field(
        default_factory=list, max_length=50, description="Names of properties to remove."
    )
    increment: dict[PropertyName, float] = Field(
        default_factory=dict, max_length=50, description="Properties and numbers to add to them."
    )
    append: dict[PropertyName, Value] = Field(
        default_factory=dict, max_length=50,
        description="Properties that are lists, and a value to add to each if it is not there yet.",
    )  # fmt: skip
    locale: Text | None = Field(None, description="The language of the contact: `pt-BR`.")
    timezone: Text | None = Field(None, description="The time zone of the contact: `Europe/Paris`.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        given = {"set", "unset", "increment", "append", "locale", "timezone"}
        if not any(getattr(self, name) for name in given):
            raise ValueError(f"needs at least one of {', '.join(sorted(given))}")
        names = [*self.set, *self.unset, *self.increment, *self.append]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f'changes "{twice[0]}" in two ways at once: keep one of them')
        for name, value in {**self.set, **self.append}.items():
            if len(dumps(value)) > MAX_VALUE_LENGTH:
                raise ValueError(
                    f'the value of "{name}" is longer than {MAX_VALUE_LENGTH} characters, which is '
                    "all that is kept of one"
                )
        if isinstance(self.locale, str) and not normalize(self.locale):
            raise ValueError(f"{self.locale!r} is not a language: write it like 'pt-BR'")
        if isinstance(self.timezone, str) and find_zone(self.timezone) is None:
            raise ValueError(f"{self.timezone!r} is not a time zone: write it like 'Europe/Paris'")
        return self


class AddToList(Step):
    """Puts the contact on a list."""

    type: Literal["add_to_list"] = Field(description="Puts the contact on a list.")
    list: ListName


class RemoveFromList(Step):
    """Takes the contact off a list."""

    type: Literal["remove_from_list"] = Field(description="Takes the contact off a list.")
    list: ListName


class SetStage(Step):
    """Moves the contact to a lifecycle stage."""

    type: Literal["set_stage"] = Field(description="Sets the lifecycle stage.")
    stage: Stage


class AddScore(Step):
    """Adds points to the contact's score, or takes them away."""

    type: Literal["add_score"] = Field(description="Adds to the score.")
    points: int = Field(
        ge=-1000, le=1000, description="How many. With a minus they are taken away."
    )


class IssueCoupon(Step):
    """Takes one coupon code for this contact from a pool."""

    type: Literal["issue_coupon"] = Field(description="Takes a coupon code.")
    pool: str = Field(pattern=SLUG, description="The name of the pool: `cart-10`.")
    expires: SomeTime | None = Field(None, description="How long the code can be used.")


class EmitEvent(Step):
    """Reports an event of this contact. Other workflows can begin with it or wait for it."""

    type: Literal["emit_event"] = Field(description="Reports an event.")
    event: EventName
    properties: dict[str, Value] = Field(
        default_factory=dict, max_length=50, description="The data of the event."
    )


class StartWorkflow(Step):
    """Lets the contact into another workflow. That one needs the trigger `manual`."""

    type: Literal["start_workflow"] = Field(description="Starts another workflow.")
    workflow: WorkflowName
