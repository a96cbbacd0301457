"""The sign-up forms of a store's `settings.json` as models; only publishing imports them."""

from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, StringConstraints, model_validator

from milepost.base.file_model import PROPERTY, SLUG, Locale, StrictModel
from milepost.pages.form import PERSON, STANDARD_ANSWERS

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


class FieldFile(StrictModel):
    """A field of a form, in addition to the e-mail address."""

    choices: list[Choice] | None = Field(
        None, min_length=1, max_length=200, description="The possible answers."
    )
    type: Literal["text", "number", "date", "boolean"] = Field(
        "text", description="The type of the answer. A `date` is written `2027-01-31`."
    )
    required: bool = Field(False, description="`true`: the form needs an answer.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.choices and self.type != "text":
            raise ValueError("choices are texts: leave type out")
        return self


class FormFile(StrictModel):
    """A sign-up form: what your page posts to `/v1/<store>/forms/<name>`."""

    topics: list[TopicId] = Field(
        default_factory=list, max_length=20, description="The topics that the form subscribes to."
    )
    fields: dict[FieldName, FieldFile] = Field(
        default_factory=dict,
        max_length=20,
        description="The fields beside the address: "
        f"{', '.join(f'`{name}`' for name in PERSON)}, or a property.",
    )
    double_opt_in: bool = Field(
        True,
        description="`true`: the consent counts after the person has confirmed it with the button "
        "in an e-mail. `false`: it counts at once, but does not resubscribe a contact who has "
        "unsubscribed, because anyone could have entered the address.",
    )
    consent_text: Words | dict[Locale, Words] | None = Field(
        None,
        description="The text that the person agrees to, beside the button. It is stored as proof. "
        'In several languages: `{"en": "…", "fa": "…"}`.',
    )
    redirect: HttpUrl | None = Field(
        None, description="The page that the browser shows next; a thank-you page if left out."
    )
    honeypot: FieldName = Field(
        "website",
        description="A field that people cannot see. A post that fills it in comes from a bot.",
    )
    per_hour: int = Field(
        30,
        ge=1,
        le=10_000,
        description="The highest number of posts an hour from one internet address.",
    )
    list: Annotated[str, Field(pattern=SLUG)] | None = Field(
        None, description="The list that the contact joins."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.topics and not self.consent_text:
            raise ValueError("consent_text is missing: it proves what the contact agreed to")
        for name in self.fields:
            if name in STANDARD_ANSWERS or name == self.honeypot:
                raise ValueError(
                    f"{name!r} is part of every form: choose another name for the field"
                )
            if name in PERSON and self.fields[name].type != "text":
                raise ValueError(f"{name!r} is a text: leave its type out")
        return self
