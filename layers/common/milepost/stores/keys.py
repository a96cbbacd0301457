"""The keys of a store, one row each: parameters in SSM under `/<stack>/<store>/`.

The functions read them, the doctor checks them, and the local stack generates them. docs/api.md
explains each.
"""

from typing import Final, NamedTuple


class StoreKey(NamedTuple):
    """One parameter. A value of `name` + `-previous` is valid beside the current one."""

    name: str
    purpose: str
    platform: str = ""
    """The shop platform that signs with it. Events of a platform with a key may name a person."""
    secret: bool = True
    """False for a public value that is stored beside the keys."""


_ROWS = (
    StoreKey("link-key", "links in mails"),
    StoreKey("signing-key", "posting events"),
    StoreKey("bearer-key-sha256", "the API of contacts"),
    StoreKey("shopify-secret", "Shopify's webhooks", "shopify"),
    StoreKey("shopify-domain", "Shopify's webhooks", "shopify", secret=False),
    StoreKey("browser-key", "the browser snippet"),
    StoreKey("webhook-key", "webhook steps"),
)

KEYS: Final[dict[str, StoreKey]] = {key.name: key for key in _ROWS}
"""The rows by name. To add a platform from outside, add its row before any module that reads this
table is imported (see `tests/registries`)."""
