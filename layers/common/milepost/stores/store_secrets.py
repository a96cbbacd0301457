"""The keys of stores."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class StoreSecrets(NamedTuple):
    """A store's keys, the current one first. An empty tuple means that none is configured.

    `shop_domains` are no keys: they say which of Shopify's shops this store is.
    """

    signing: tuple[str, ...] = ()
    bearer_hashes: tuple[str, ...] = ()
    shopify: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    shop_domains: tuple[str, ...] = ()
    browser: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()


class Secrets(Protocol):
    """Keeps the keys of stores."""

    def of(self, store: str) -> StoreSecrets | None:
        """The store's keys; None if there is no such store."""
