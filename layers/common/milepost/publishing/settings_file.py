"""A store's `settings.json` as a model; only publishing imports it."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, HttpUrl, model_validator

from milepost.base.dates import find_zone
from milepost.base.file_model import Locale, SomeTime, StrictModel
from milepost.pages.form_file import FormFile, FormName, Origin, TopicId
from milepost.sending.file import (
    Caps,
    ClosedDays,
    QuietHours,
    SenderFile,
    SenderId,
    WarmUp,
    bare_address,
)
from milepost.stores.properties import Type
from milepost.stores.settings import TOPIC, Tracking


def _iana(name: str) -> str:
    if find_zone(name) is None:
        raise ValueError(f"{name!r} is not an IANA time zone like 'Europe/Paris'")
    return name


def _address(text: str) -> str:
    bare_address(text)
    return text


Title = Annotated[str, Field(min_length=1, max_length=80)]
PropertyName = Annotated[str, Field(min_length=1, max_length=100)]


UtmValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,50}$")]


class Utm(StrictModel):
    """The UTM parameters of links to the store's own pages.

    `utm_campaign` is always the workflow, `utm_content` the step.
    """

    source: UtmValue = Field(default="milepost", description="`utm_source`.")
    medium: UtmValue = Field(default="email", description="`utm_medium`.")


class SettingsFile(StrictModel):
    """Who the store is, its topics and languages, and the limits of its e-mail."""

    schema_: str | None = Field(
        None, alias="$schema", description="The path to the JSON Schema, for your editor."
    )
    name: str = Field(
        min_length=1,
        max_length=60,
        description="The store's name, and the sender's name in every e-mail.",
    )
    url: HttpUrl = Field(description="The shop's home page.")
    postal_address: str = Field(
        min_length=5,
        max_length=300,
        description="Printed in every marketing e-mail, as the law requires.",
    )
    logo_url: HttpUrl | None = Field(None, description="The image at the top of every e-mail.")
    currency: str = Field(
        "USD", pattern=r"^[A-Z]{3}$", description="The currency of prices: `EUR`."
    )
    timezone: Annotated[str, AfterValidator(_iana)] = Field(
        "UTC",
        description="The store's time zone, also for contacts whose time zone is unknown: "
        "`Europe/Paris`.",
    )
    default_locale: Locale = Field(
        "en", description="The language for contacts whose language is unknown."
    )
    locales: list[Locale] = Field(
        default_factory=lambda: ["en"], description="The languages that every template must have."
    )
    topics: dict[TopicId, Title] = Field(
        min_length=1, description="What contacts subscribe to: an id and a title for each topic."
    )
    topic_titles: dict[Locale, dict[TopicId, Title]] = Field(
        default_factory=dict,
        description="The titles in other languages, for the preferences page: "
        '`{"fr": {"offers": "Offres"}}`.',
    )
    shop_topics: list[TopicId] = Field(
        default_factory=list,
        description='The topics to which "accepts marketing" in the shop system subscribes.',
    )
    reply_to: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="The address for replies; the sender's address if left out."
    )
    senders: dict[SenderId, SenderFile] = Field(
        default_factory=dict,
        max_length=100,
        description="The people and products that a step can name as the sender: "
        '`{"anna": {"name": "Anna from Harbor & Pine"}}`.',
    )
    paused: bool = Field(
        False, description="`true`: nothing is sent, and all workflows are paused."
    )
    warm_up: WarmUp | None = Field(
        None,
        description="A daily limit on marketing for a new domain. E-mail beyond it waits for the "
        "next day.",
    )
    tracking: Tracking = Field(
        "all",
        description="Whose opens and clicks are tracked: of all contacts, of no contact, or of "
        "contacts who said yes to the topic `tracking`. This topic must then be among `topics`, "
        "and not the first.",
    )
    forms: dict[FormName, FormFile] = Field(
        default_factory=dict, max_length=50, description="The sign-up forms on your pages, by name."
    )
    origins: list[Origin] = Field(
        default_factory=list,
        max_length=20,
        description="The websites whose pages may post forms by script and report browsing events: "
        "`https://shop.example`. Only that of `url` if left out.",
    )
    properties: dict[PropertyName, Type] | None = Field(
        None,
        max_length=100,
        description="The type of a contact's property. A value of another type is ignored. A "
        "property that is not listed can have any type.",
    )
    utm: Utm | Literal[False] = Field(
        Utm(),
        description="The UTM parameters on links to `url` and `origins`; `false` for none.",
    )

    quiet_hours: QuietHours | None = Field(
        None,
        description="The hours in which no marketing goes out; it waits for their end. They are in "
        "the contact's time zone, or in the store's if the contact's is unknown.",
    )
    closed_days: ClosedDays | None = Field(
        None, description="The days on which no marketing goes out; it waits for their end."
    )

    caps: Caps | None = Field(
        None,
        description="The highest number of marketing e-mails for a contact, from all workflows "
        'together. E-mail beyond it is skipped, or waits if its step says `"on_cap": "defer"`.',
    )
    smart_sending: SomeTime | None = Field(
        None,
        description="The minimum time between two marketing e-mails to a contact: `16 hours`. "
        "E-mail that is too early is skipped or waits, as with `caps`.",
    )

    def document(self) -> dict[str, Any]:
        """The stored form, which `StoreSettings.from_json` reads."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"schema_"})

    @model_validator(mode="after")
    def _agree(self) -> Self:
        unknown = [topic for topic in self.shop_topics if topic not in self.topics]
        if unknown:
            raise ValueError(f"shop_topics names {unknown[0]!r}, which is not among topics")
        if self.tracking == "consented" and TOPIC not in [*self.topics][1:]:
            raise ValueError(f"tracking asks for the topic {TOPIC!r}: add it at the end of topics")
        if self.default_locale not in self.locales:
            raise ValueError(f"default_locale {self.default_locale!r} is not among locales")
        for titles in self.topic_titles.values():
            if unknown_topics := titles.keys() - self.topics.keys():
                raise ValueError(
                    f"topic_titles names {min(unknown_topics)!r}, which is not among topics"
                )
        for name, form in self.forms.items():
            self._check_form(name, form)
        return self

    def _check_form(self, name: str, form: FormFile) -> None:
        unknown = [topic for topic in form.topics if topic not in self.topics]
        if unknown:
            raise ValueError(f"forms.{name} names {unknown[0]!r}, which is not among topics")
        if isinstance(form.consent_text, dict) and self.default_locale not in form.consent_text:
            raise ValueError(f"forms.{name} has no consent_text in {self.default_locale!r}")
        if form.redirect is None:
            return
        # A redirect to another site could misuse the trust in the shop's name.
        host = form.redirect.host
        if host not in {self.url.host, *(urlsplit(origin).hostname for origin in self.origins)}:
            raise ValueError(f"forms.{name} leads to {host!r}, which is neither url nor an origin")
