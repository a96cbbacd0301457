"""What the models of a store's own files have in common; workflow files have `language.model`."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part of a file: unknown fields are mistakes, and are named as such."""

    model_config = ConfigDict(extra="forbid", frozen=True)
