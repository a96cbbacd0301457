"""A cache of recent keys with bounded size."""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

DEFAULT_SIZE = 50_000


class LruCache(Generic[Key, Value]):
    """Remembers the newest keys: at least `DEFAULT_SIZE`, and at most twice as many.

    The older of two dictionaries is dropped as a whole: dropping single keys from the front of one
    dictionary gets slower with every dropped key.
    """

    def __init__(self) -> None:
        self._new: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        found = self._new.get(key)
        return self._old.get(key) if found is None else found

    def first(self, key: Key, value: Value) -> Value:
        """The first value of the key; stores `value` if the key is unknown."""
        known = self.get(key)
        if known is not None:
            return known
        if len(self._new) >= DEFAULT_SIZE:
            self._old, self._new = self._new, {}
        self._new[key] = value
        return value
