"""A store's settings as the functions read them, and whom it tracks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from milepost.base.languages import choose


class StoreSettings(NamedTuple):
    """What `settings.json` says, checked when it was published (see `settings_file.py`).

    `shop_topics` are the topics that a shop's own "accepts marketing" stands for, `properties` the
    declared types of contacts' properties (see `properties.py`).
    """

    name: str = ""
    url: str = ""
    postal_address: str = ""
    logo_url: str = ""
    currency: str = "USD"
    timezone: str = "UTC"
    default_locale: str = "en"
    locales: tuple[str, ...] = ("en",)
    topics: Mapping[str, str] | None = None
    shop_topics: tuple[str, ...] = ()
    reply_to: str = ""
    paused: bool = False
    topic_titles: Mapping[str, Mapping[str, str]] | None = None
    forms: Mapping[str, Mapping[str, Any]] | None = None
    origins: tuple[str, ...] = ()
    properties: Mapping[str, str] | None = None
    warm_up: Mapping[str, Any] | None = None
    tracking: str = "all"
    utm: Mapping[str, str] | Literal[False] = MappingProxyType({})
    quiet_hours: Mapping[str, str] | None = None
    closed_days: Mapping[str, Sequence[str]] | None = None
    caps: Mapping[str, int] | None = None
    smart_sending: str = ""
    senders: Mapping[str, Mapping[str, str]] | None = None

    def title_of(self, topic: str, locale: str) -> str:
        """What a topic is called, in the reader's language if the store says it there."""
        title = (self.topics or {}).get(topic, topic)
        if not self.topic_titles:
            return title
        language = choose(locale, self.topic_titles, "")
        return self.topic_titles.get(language, {}).get(topic, title)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "StoreSettings":
        known = {key: document[key] for key in cls._fields if key in document}
        for key in ("locales", "shop_topics", "origins"):
            if key in known:
                known[key] = tuple(known[key])
        return cls(**known)


Tracking = Literal["all", "consented", "none"]

TOPIC: Final = "tracking"
"""The topic with which contacts agree to tracking or refuse it, if the store asks them."""

UNTRACKED: Final = "-untracked"
"""The suffix of the configuration set without opens and clicks: SES adds no tracking pixel and does
not rewrite links. `ConfigurationOverrides` would do the same for one message, but the boto3 of
Lambda's runtime may not support it yet."""


def is_tracked(tracking: str, consents: Mapping[str, str]) -> bool:
    """Whether to track a recipient's opens and clicks; `consents` are the current states."""
    if tracking == "consented":
        return consents.get(TOPIC) == "granted"
    return tracking == "all"
