"""Reads of many items, of which DynamoDB may leave some for the next request."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from milepost.aws.table import MAX_TRIES, Table, pack
from milepost.base.errors import ThrottledError


class SlowTable:
    """A DynamoDB client that reads `each` keys of a request, and leaves the others unprocessed."""

    def __init__(self, each: int) -> None:
        self.each = each
        self.asked: list[int] = []

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        keys = RequestItems["t"]["Keys"]
        self.asked.append(len(keys))
        read, left = keys[: self.each], keys[self.each :]
        unprocessed = {"t": {"Keys": left}} if left else {}
        return {"Responses": {"t": read}, "UnprocessedKeys": unprocessed}


def read(client: SlowTable, number: int) -> list[str]:
    table = Table(cast("Any", client), "t")
    return sorted(
        item["pk"] for item in table.get_many([pack({"pk": f"{n:03}"}) for n in range(number)])
    )


@pytest.mark.parametrize(
    ("each", "asked"),
    [(100, [100, 100, 50]), (60, [100, 100, 100, 70, 10])],
    ids=["all read at once", "some left for later"],
)
def test_many_items_are_all_read_a_hundred_keys_at_a_time(
    each: int, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    client = SlowTable(each)
    assert read(client, 250) == [f"{n:03}" for n in range(250)]
    assert client.asked == asked


def test_items_that_stay_unread_raise_after_some_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    client = SlowTable(0)
    with pytest.raises(ThrottledError, match="stayed unread"):
        read(client, 3)
    assert client.asked == [3] * (MAX_TRIES + 1)
    assert pauses == [0.02 * 2**n for n in range(1, MAX_TRIES + 1)]
