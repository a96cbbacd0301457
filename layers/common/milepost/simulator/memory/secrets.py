"""The keys of stores in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milepost.stores.store_secrets import StoreSecrets


@dataclass(frozen=True, slots=True)
class MemorySecrets:
    """Implements `Secrets`."""

    stores: Mapping[str, "StoreSecrets"]

    def of(self, store: str) -> "StoreSecrets | None":
        return self.stores.get(store)
