"""Result pages, newest first, and the cursor of the next page.

A cursor holds an instant and a digest, never an id or a name: it is part of URLs, and an event id
can be an e-mail address. It is tied to its list; a forged cursor or one of another list is refused.
A cursor gives no access: the request still needs a key.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple

from milepost.base import times

MAX_BYTES = 4 * 1024 * 1024
"""A Lambda response has at most 6 MB, and the envelope escapes every quote."""


class Cursor(NamedTuple):
    """The last record of a page: its instant, and its digest among records of that instant."""

    at: datetime
    digest: str


class PageRecord(NamedTuple):
    """One record of a page. `key` distinguishes records of the same instant."""

    at: datetime
    key: str
    body: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return sha256(self.key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class ResultPage(NamedTuple):
    """Records, and the cursor of the next page; None if there is none."""

    records: list[Mapping[str, Any]]
    following: str | None


class BadCursorError(ValueError):
    """The text is not a cursor of this list."""


def paginate(
    records: Iterable[PageRecord], where: str, cursor: str | None, limit: int
) -> ResultPage:
    """The page after a cursor. `records` are newest first, in any order within one instant.

    A page ends early if it exceeds `MAX_BYTES`. Raises BadCursorError.
    """
    after = read_cursor(cursor, where) if cursor else None
    kept: list[PageRecord] = []
    size = 0
    for record in _after(records, after):
        size += len(json.dumps(record.body))
        if kept and (len(kept) == limit or size > MAX_BYTES):
            last = Cursor(kept[-1].at, kept[-1].digest)
            return ResultPage([each.body for each in kept], show_cursor(last, where))
        kept.append(record)
    return ResultPage([each.body for each in kept], None)


def _after(records: Iterable[PageRecord], after: Cursor | None) -> Iterator[PageRecord]:
    for at, together in groupby(records, key=lambda record: record.at):
        for record in sorted(together, key=lambda record: record.digest):
            if after is None or at < after.at or (at == after.at and record.digest > after.digest):
                yield record


def show_cursor(place: Cursor, where: str) -> str:
    """The cursor as text of letters, digits, `-` and `_`."""
    text = f"{_tie(where)} {times.format_instant(place.at)} {place.digest}"
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_cursor(text: str, where: str) -> Cursor:
    """The inverse of `show_cursor`; raises BadCursorError for every other text."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        tie, at, digest = urlsafe_b64decode(padded).decode("ascii").split(" ")
        place = Cursor(times.parse_instant(at), digest)
    except (ValueError, OverflowError):
        raise BadCursorError("this is no cursor") from None
    if tie != _tie(where) or show_cursor(place, where) != text:
        raise BadCursorError("this cursor is of another list")
    return place


def _tie(where: str) -> str:
    return sha256(f"cursor\n{where}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


_PLACE = re.compile(r"([0-7] )?[0-9TZ:.-]{1,30} c[0-9a-f]{25}")
_CHECK = 12


def sign_page_token(place: str, *where: str) -> str:
    """A text for a position in the list that `where` names."""
    return urlsafe_b64encode(f"{_check(place, where)}{place}".encode()).decode().rstrip("=")


def verify_page_token(token: str, *where: str) -> str | None:
    """The position; None if the token is damaged, forged, or of another list."""
    try:
        text = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except (ValueError, UnicodeError):
        return None
    check, place = text[:_CHECK], text[_CHECK:]
    right = check == _check(place, where) and _PLACE.fullmatch(place)
    return place if right and sign_page_token(place, *where) == token else None


def _check(place: str, where: tuple[str, ...]) -> str:
    return sha256("\n".join([*where, place]).encode()).hexdigest()[:_CHECK]
