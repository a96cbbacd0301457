"""`{store}/imports/<name>.import.json` as a model: what columns mean, and what is to be done."""

import re
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from milepost.base.file_model import StrictModel
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.transfer.imports.cells import Type
from milepost.transfer.imports.encodings import Encoding

FIELD = (
    rf"^(email|external_id|phone|{'|'.join(CONTACT_FIELDS)}|stage|score|lists"
    r"|frequency|snoozed_until|consent|consent\.[a-z0-9][a-z0-9-]{0,39}|properties\.[A-Za-z][A-Za-z0-9_-]{0,59})$"
)
Field_ = Annotated[str, Field(pattern=FIELD)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Word = Annotated[str, Field(min_length=1, max_length=100)]

MAX_COLUMNS = 90
"""A profile keeps a hundred fields."""


class ColumnFile(StrictModel):
    """What one column means, if the name of a field is not enough."""

    field: Field_ = Field(description="The field: `email`, `properties.birthday`, `consent.news`.")
    type: Type = Field(
        "text", description="The type of a property; other fields have a fixed type."
    )
    format: str | None = Field(
        None, max_length=20, description="How dates are written: `DD.MM.YYYY`, `MM/DD/YYYY`."
    )
    withdrawn: list[Word] = Field(
        default_factory=list,
        max_length=50,
        description="The words in a column of consent that mean no; all others are then ignored.",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.type != "text" and not self.field.startswith("properties."):
            raise ValueError(f"only properties have a type, and {self.field} is none")
        if self.withdrawn and not self.field.startswith("consent"):
            raise ValueError("withdrawn is for columns of consent")
        if self.format is not None:
            if self.type != "date":
                raise ValueError('format is for properties of type "date"')
            parts = re.findall("[A-Za-z]+", self.format)
            if sorted(parts) != ["DD", "MM", "YYYY"]:
                raise ValueError("format has DD, MM and YYYY, once each, and what is between them")
        return self


class ImportFile(StrictModel):
    """How a file of contacts is imported. Everything may be left out: columns are then guessed."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: str | None = Field(
        None, alias="$schema", description="The path to the JSON Schema, for your editor."
    )
    dry_run: bool = Field(
        False, description="Only report what would change; nothing is written to any contact."
    )
    columns: dict[Word, Field_ | ColumnFile | None] = Field(
        default_factory=dict,
        max_length=500,
        description="The field of each column, by its title; null for a column to leave out. "
        "Without any, fields are guessed from the titles.",
    )
    lists: list[Slug] = Field(
        default_factory=list,
        max_length=20,
        description="Lists that every contact in the file joins.",
    )
    enroll: bool = Field(
        False,
        description="`true`: contacts who join a list can enter workflows that start with it.",
    )
    as_of: AwareDatetime | None = Field(
        None, description="The date of the data: newer data is not overwritten."
    )
    encoding: Encoding = Field("utf-8", description="How the text of a CSV file is encoded.")
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(
        None, description="The separator of the cells in a CSV file; guessed from its first line."
    )
    rows_per_second: int = Field(
        500,
        ge=1,
        le=5000,
        description="The highest number of rows a second, so that events do not wait.",
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        given = [c.field if isinstance(c, ColumnFile) else c for c in self.columns.values()]
        fields = [field for field in given if field]
        twice = next((field for field in fields if fields.count(field) > 1), None)
        if twice:
            raise ValueError(f"two columns are mapped to {twice}")
        if len(fields) > MAX_COLUMNS:
            raise ValueError(f"maps {len(fields)} columns; a contact has room for {MAX_COLUMNS}")
        if fields and not {"email", "external_id", "phone"} & {*fields}:
            raise ValueError("no column is mapped to email, external_id or phone")
        return self
