"""A store's own settings, as the running functions see them."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class StoreSettings(NamedTuple):
    """What `settings.json` says, checked when it was published (see `settings_file.py`).

    `shop_topics` are the topics that a shop's own "accepts marketing" stands for.
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

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "StoreSettings":
        known = {key: document[key] for key in cls._fields if key in document}
        for key in ("locales", "shop_topics"):
            if key in known:
                known[key] = tuple(known[key])
        return cls(**known)
