"""The LRU cache keeps the newest keys, and at most twice its size."""

from milepost.transfer.imports import lru
from milepost.transfer.imports.lru import LruCache


def test_lru_keeps_newest_keys_and_drops_oldest() -> None:
    memory = LruCache[int, int]()
    for number in range(lru.DEFAULT_SIZE * 4):
        assert memory.first(number, number) == number
    last = lru.DEFAULT_SIZE * 4 - 1
    assert memory.first(last, -1) == last
    assert memory.get(last - lru.DEFAULT_SIZE + 1) == last - lru.DEFAULT_SIZE + 1
    assert memory.get(0) is None
    assert memory.first(0, 7) == 7
