"""A store's `settings.json` as a model; only publishing imports it."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, HttpUrl, model_validator

from milepost.base.dates import zone_named
from milepost.base.file_model import Locale, SomeTime, Strict
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
from milepost.sending.tracking import TOPIC, Tracking
from milepost.stores.properties import Type


def _iana(name: str) -> str:
    if zone_named(name) is None:
        raise ValueError(f"{name!r} is not an IANA time zone like 'Europe/Paris'")
    return name


def _address(text: str) -> str:
    bare_address(text)
    return text


Title = Annotated[str, Field(min_length=1, max_length=80)]
PropertyName = Annotated[str, Field(min_length=1, max_length=100)]


UtmValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,50}$")]


class Utm(Strict):
    """What links to the store's own pages say of where the visitor comes from.

    `utm_campaign` is the workflow, `utm_content` the step.
    """

    source: UtmValue = Field(default="milepost", description="`utm_source`.")
    medium: UtmValue = Field(default="email", description="`utm_medium`.")


class SettingsFile(Strict):
    """Who the store is, what it writes about, and in which languages."""

    schema_: str | None = Field(
        None, alias="$schema", description="Where editors find what may be written here."
    )
    name: str = Field(min_length=1, max_length=60, description="The sender's name in every mail.")
    url: HttpUrl = Field(description="The shop's home page.")
    postal_address: str = Field(
        min_length=5, max_length=300, description="Printed in every marketing mail, as laws ask."
    )
    logo_url: HttpUrl | None = Field(None, description="Shown at the head of every mail.")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="What prices are in: `EUR`.")
    timezone: Annotated[str, AfterValidator(_iana)] = Field(
        "UTC", description="The store's own clock, for contacts whose zone is unknown."
    )
    default_locale: Locale = Field("en", description="For readers whose language is unknown.")
    locales: list[Locale] = Field(
        default_factory=lambda: ["en"], description="Languages every template must speak."
    )
    topics: dict[TopicId, Title] = Field(
        min_length=1, description="What readers subscribe to: an id and a title for each topic."
    )
    topic_titles: dict[Locale, dict[TopicId, Title]] = Field(
        default_factory=dict,
        description="The titles in other languages, for readers' pages: "
        '`{"fr": {"offers": "Offres"}}`.',
    )
    shop_topics: list[TopicId] = Field(
        default_factory=list,
        description='The topics that "accepts marketing" in the shop stands for.',
    )
    reply_to: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="Where answers to a mail go; to its sender if absent."
    )
    senders: dict[SenderId, SenderFile] = Field(
        default_factory=dict,
        max_length=100,
        description="People and products that mails come from, where a step names one: "
        '`{"anna": {"name": "Anna from Harbor & Pine"}}`.',
    )
    paused: bool = Field(False, description="Nothing is sent while this is true.")
    warm_up: WarmUp | None = Field(
        None,
        description="At most so much marketing a day while a new domain makes itself a name; what "
        "is over waits for the next day.",
    )
    tracking: Tracking = Field(
        "all",
        description="Whose opens and clicks are looked at: everybody's, nobody's, or those of "
        "readers who say yes to the topic `tracking`, which then has to be among `topics`, and not "
        "first.",
    )
    forms: dict[FormName, FormFile] = Field(
        default_factory=dict, max_length=50, description="The sign-up forms on your pages, by name."
    )
    origins: list[Origin] = Field(
        default_factory=list,
        max_length=20,
        description="Websites whose pages may send forms by script, and what their visitors look "
        "at: `https://shop.example`. Only that of `url` if left out.",
    )
    properties: dict[PropertyName, Type] | None = Field(
        None,
        max_length=100,
        description="What kind of value a property of contacts holds; a value of another kind is "
        "left out. A property that is not listed may hold anything.",
    )
    utm: Utm | Literal[False] = Field(
        Utm(),
        description="UTM parameters on links to `url` and `origins` in mails; `false` for none.",
    )

    quiet_hours: QuietHours | None = Field(
        None,
        description="When no marketing goes out; it waits until they are over. On the reader's "
        "own clock, or the store's if theirs is unknown.",
    )
    closed_days: ClosedDays | None = Field(
        None, description="Days on which no marketing goes out; it waits until they are over."
    )

    caps: Caps | None = Field(
        None,
        description="How much marketing a contact gets from all workflows together. What is too "
        'much is left out, or waits if its step says `"on_cap": "defer"`.',
    )
    smart_sending: SomeTime | None = Field(
        None, description="No marketing so soon after the last: `16 hours`. Left out like above."
    )

    def document(self) -> dict[str, Any]:
        """What a store keeps of it, and `StoreSettings.from_json` reads."""
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
            if strange := titles.keys() - self.topics.keys():
                raise ValueError(f"topic_titles names {min(strange)!r}, which is not among topics")
        for name, form in self.forms.items():
            self._fits(name, form)
        return self

    def _fits(self, name: str, form: FormFile) -> None:
        unknown = [topic for topic in form.topics if topic not in self.topics]
        if unknown:
            raise ValueError(f"forms.{name} names {unknown[0]!r}, which is not among topics")
        if isinstance(form.wording, dict) and self.default_locale not in form.wording:
            raise ValueError(f"forms.{name} has no wording in {self.default_locale!r}")
        if form.redirect is None:
            return
        # A form that sends readers to any address would lend the shop's name to whoever edits it.
        host = form.redirect.host
        if host not in {self.url.host, *(urlsplit(origin).hostname for origin in self.origins)}:
            raise ValueError(f"forms.{name} leads to {host!r}, which is neither url nor an origin")
