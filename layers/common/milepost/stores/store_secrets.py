"""The keys of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class StoreSecrets(NamedTuple):
    """A store's keys, the current one first. An empty tuple means that none is configured.

    `platforms` are those of shop platforms, by their names in `KEYS`.
    """

    signing: tuple[str, ...] = ()
    bearer_hashes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    browser: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    platforms: Mapping[str, tuple[str, ...]] = {}


class Secrets(Protocol):
    """Keeps the keys of stores."""

    def of(self, store: str) -> StoreSecrets | None:
        """The store's keys; None if there is no such store."""
