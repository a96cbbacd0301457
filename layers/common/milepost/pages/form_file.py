"""The sign-up forms of a store's `settings.json` as models; only publishing imports them."""

from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, StringConstraints, model_validator

from milepost.base.file_model import PROPERTY, SLUG, Locale, Strict
from milepost.pages.form import GIVEN, PERSON

TopicId = Annotated[str, Field(pattern=SLUG)]
FormName = Annotated[str, Field(pattern=SLUG)]
FieldName = Annotated[str, Field(pattern=PROPERTY)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Choice = Annotated[str, Field(min_length=1, max_length=100)]
Origin = Annotated[
    str,
    Field(
        pattern=r"^(https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?)$",
        max_length=200,
    ),
]


class FieldFile(Strict):
    """One question of a form, beside the e-mail address."""

    choices: list[Choice] | None = Field(
        None, min_length=1, max_length=200, description="Only one of these answers."
    )
    type: Literal["text", "number", "date", "boolean"] = Field(
        "text", description="What an answer is: a `date` is written `2027-01-31`."
    )
    required: bool = Field(False, description="Nobody gets past it without an answer.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.choices and self.type != "text":
            raise ValueError("choices are texts: leave type out")
        return self


class FormFile(Strict):
    """A sign-up form: what the shop's own page posts to `/v1/<store>/forms/<name>`."""

    topics: list[TopicId] = Field(
        default_factory=list, max_length=20, description="What its reader says yes to."
    )
    fields: dict[FieldName, FieldFile] = Field(
        default_factory=dict,
        max_length=20,
        description="What it asks beside the address: `first_name`, `last_name`, or a property.",
    )
    double_opt_in: bool = Field(
        True,
        description="The yes counts when the reader has pressed the button of a mail. Without it, "
        "anybody can sign anybody up, so it brings nobody back who has unsubscribed.",
    )
    wording: Words | dict[Locale, Words] | None = Field(
        None,
        description="The words beside the button that the reader agrees to, kept as proof; in "
        'several languages: `{"en": "…", "fa": "…"}`.',
    )
    redirect: HttpUrl | None = Field(
        None, description="Where the browser goes next; to a page of thanks if left out."
    )
    honeypot: FieldName = Field(
        "website", description="A field that people cannot see. Whoever fills it in is a machine."
    )
    per_hour: int = Field(
        30, ge=1, le=10_000, description="Posts an hour from one internet address; others wait."
    )
    list: Annotated[str, Field(pattern=SLUG)] | None = Field(
        None, description="The list that its reader joins."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.topics and not self.wording:
            raise ValueError("wording is missing: it proves what the reader said yes to")
        for name in self.fields:
            if name in GIVEN or name == self.honeypot:
                raise ValueError(f"{name!r} is part of every form: call the field otherwise")
            if name in PERSON and self.fields[name].type != "text":
                raise ValueError(f"{name!r} is a text: leave its type out")
        return self
