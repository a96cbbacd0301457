"""`update_contact`: changes fields of the contact."""

from json import dumps
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import PropertyName, Text, Value
from milepost.base.markdown import code, listed, value
from milepost.contacts.field_models import with_contact_fields
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.contacts.profile import MAX_VALUE_LENGTH
from milepost.workflows.step_type import EVENT_RESULTS, Step, StepType

FIELDS = {name: field for name, field in CONTACT_FIELDS.items() if field.set_by_steps}
"""The contact's own fields that a step can set."""


@with_contact_fields(lambda _: Text, FIELDS.values())
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

    def fields(self) -> dict[str, Any]:
        """The contact's own fields and their new values."""
        return {name: new for name in FIELDS if (new := getattr(self, name))}

    @model_validator(mode="after")
    def _something(self) -> Self:
        given = {"set", "unset", "increment", "append", *FIELDS}
        if not any(getattr(self, name) for name in given):
            raise ValueError(f"needs at least one of {', '.join(sorted(given))}")
        names = [*self.set, *self.unset, *self.increment, *self.append]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f'changes "{twice[0]}" in two ways at once: keep one of them')
        for name, given in {**self.set, **self.append}.items():
            if len(dumps(given)) > MAX_VALUE_LENGTH:
                raise ValueError(
                    f'the value of "{name}" is longer than {MAX_VALUE_LENGTH} characters, which is '
                    "all that is kept of one"
                )
        for name, new in self.fields().items():
            field = FIELDS[name]
            if isinstance(new, str) and field.normalize(new) is None:
                raise ValueError(f"{new!r} is not a {field.label}: write {field.spelling}")
        return self


def _describe(step: UpdateContact) -> str:
    done = [f"set {code(name)} to {value(new)}" for name, new in step.set.items()]
    done += [f"remove {code(name)}" for name in step.unset]
    done += [f"add {value(more)} to {code(name)}" for name, more in step.increment.items()]
    done += [
        f"append {value(more)} to the list in {code(name)}" for name, more in step.append.items()
    ]
    own = step.fields().items()
    done += [f"set the {CONTACT_FIELDS[name].label} to {value(new)}" for name, new in own]
    return f"Change the contact: {listed(done)}"


def _label(step: UpdateContact) -> str:
    names = [*step.set, *step.unset, *step.increment, *step.append]
    return f"Change {', '.join([*names, *step.fields()])}"


STEP = StepType(model=UpdateContact, describe=_describe, label=_label, results=EVENT_RESULTS)
