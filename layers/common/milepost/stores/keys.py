"""The keys of a store, one row each: parameters in SSM below `/<stack>/<store>/`.

The functions read them, the doctor checks them, and the local stack makes them. The API's page in
docs/ says what each is for.
"""

from typing import Final, NamedTuple


class StoreKey(NamedTuple):
    """One parameter. A value of `name` + `-previous` counts beside the current one."""

    name: str
    purpose: str
    platform: str = ""
    """The shop platform that signs with it: events of a platform with a key may name a person."""
    secret: bool = True
    """If not, it is kept beside the keys and may be known to anybody."""


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
"""The table, by name. To try a platform out, add its row before anything that reads the table is
imported (see `tests/registries`)."""
