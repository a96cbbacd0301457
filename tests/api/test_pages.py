from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.api.pages import (
    MAX_BYTES,
    BadCursorError,
    Cursor,
    PageRecord,
    paginate,
    read_cursor,
    show_cursor,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PLACE = Cursor(NOON, "0" * 16)

records = st.lists(st.tuples(st.integers(0, 5), st.text(max_size=3)), unique=True, max_size=30).map(
    lambda pairs: [PageRecord(NOON + timedelta(hours=n), key, {"n": [n, key]}) for n, key in pairs]
)


def read_all(held: list[PageRecord], limit: int) -> list[list[object]]:
    seen: list[list[object]] = []
    cursor = None
    while True:
        page = paginate(sorted(held, key=lambda r: r.at, reverse=True), "list", cursor, limit)
        assert 0 < len(page.records) <= limit or (not held and not page.following)
        seen += [list(record["n"]) for record in page.records]
        cursor = page.following
        if cursor is None:
            return seen


@given(records, st.integers(1, 7))
def test_pages_list_every_record_once_newest_first(held: list[PageRecord], limit: int) -> None:
    seen = read_all(held, limit)
    assert sorted(map(repr, seen)) == sorted(repr(record.body["n"]) for record in held)
    hours = [record[0] for record in seen]
    assert hours == sorted(hours, key=lambda hour: -int(str(hour)))


@given(records, records)
def test_new_records_between_pages_hide_no_old_record(
    held: list[PageRecord], later: list[PageRecord]
) -> None:
    """New records come first, so the second page still holds the remaining old ones."""
    newer = [r._replace(at=r.at + timedelta(days=1)) for r in later]
    first = paginate(sorted(held, key=lambda r: r.at, reverse=True), "list", None, 3)
    if first.following:
        both = sorted(held + newer, key=lambda r: r.at, reverse=True)
        rest = paginate(both, "list", first.following, 100)
        assert len(first.records) + len(rest.records) == len(held)


def test_page_ends_before_size_limit_but_is_never_empty() -> None:
    heavy = [PageRecord(NOON, str(n), {"text": "x" * (MAX_BYTES - 100)}) for n in range(3)]
    assert len(paginate(heavy, "list", None, 50).records) == 1
    heavier = [PageRecord(NOON, "a", {"text": "x" * (MAX_BYTES + 100)})]
    assert paginate(heavier, "list", None, 50).following is None


def test_cursor_is_url_safe_and_read_back_by_its_list() -> None:
    cursor = show_cursor(PLACE, "list")
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert read_cursor(cursor, "list") == PLACE
    with pytest.raises(BadCursorError):
        read_cursor(cursor, "another list")


@given(st.text() | st.text(alphabet="abcAZ09-_="), st.text(max_size=5))
def test_other_text_is_no_cursor(text: str, where: str) -> None:
    with pytest.raises(BadCursorError):
        read_cursor(text, where)


@given(st.integers(0, 79), st.sampled_from("Aa0-_"))
def test_changed_cursor_is_rejected_or_fits_the_same_list(place: int, letter: str) -> None:
    genuine = show_cursor(PLACE, "list")
    changed = genuine[:place] + letter + genuine[place + 1 :]
    try:
        assert show_cursor(read_cursor(changed, "list"), "list") == changed
    except BadCursorError:
        assert changed != genuine
