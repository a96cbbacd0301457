"""Pydantic models that have the contact fields; only what describes files and bodies imports it."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, Field, create_model

from milepost.contacts.fields import CONTACT_FIELDS, ContactField

M = TypeVar("M", bound=BaseModel)


def with_contact_fields(
    type_of: Callable[[ContactField], Any], among: Iterable[ContactField] = CONTACT_FIELDS.values()
) -> Callable[[type[M]], type[M]]:
    """Add the contact fields to a model, each optional and of the type that `type_of` says."""
    made: dict[str, Any] = {
        field.name: (type_of(field) | None, Field(None, description=field.description))
        for field in among
    }

    def add(model: type[M]) -> type[M]:
        return create_model(
            model.__name__,
            __base__=model,
            __doc__=model.__doc__,
            __module__=model.__module__,
            **made,
        )

    return add
