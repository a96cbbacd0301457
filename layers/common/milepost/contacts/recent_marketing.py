"""The marketing that a contact got of late: what caps are counted by.

A message counts from its claim on, in the same transaction, so that no two claims at one instant
both find room for the last one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a message was mailed that the post has thrown back: it counts no more."""

KEPT: Final = 10
"""Messages that are remembered, unless a cap asks for more; the reader's own wish may come any day.
"""

MOST: Final = 25
"""As many as a cap may ask for: a profile is paid for by its size at every write."""

KEPT_FOR: Final = timedelta(days=31)
"""Longer than anything is counted over."""

_MILLISECOND: Final = timedelta(milliseconds=1)

Mailed = Mapping[str, datetime]


def kept(caps: Mapping[str, int] | None) -> int:
    """How many messages have to be remembered for a store's caps."""
    return max([KEPT, *(caps or {}).values()])


def mark(message: str) -> str:
    """What stands for a message where many are kept: some of the hash that its id ends with."""
    return message[-12:]


def noted(mailed: Mailed, message: str, at: datetime, most: int = KEPT) -> dict[str, datetime]:
    """What is remembered once this message is claimed; instants to the millisecond."""
    recent = {key: when for key, when in mailed.items() if at - when < KEPT_FOR}
    return _newest({**recent, mark(message): at - (at - NEVER) % _MILLISECOND}, most)


def united(one: Mailed, other: Mailed) -> dict[str, datetime]:
    """What two contacts got who turn out to be one."""
    both = {**one, **{key: max(at, one.get(key, at)) for key, at in other.items()}}
    return _newest(both, MOST)


def _newest(mailed: Mailed, most: int) -> dict[str, datetime]:
    newest = sorted(mailed, key=lambda key: (mailed[key], key), reverse=True)[:most]
    return {key: mailed[key] for key in sorted(newest)}


def to_numbers(mailed: Mailed) -> dict[str, int]:
    """Instants as a table keeps them: in milliseconds."""
    return {key: (at - NEVER) // _MILLISECOND for key, at in mailed.items()}


def from_numbers(held: Mapping[str, int]) -> dict[str, datetime]:
    return {key: NEVER + int(number) * _MILLISECOND for key, number in held.items()}
