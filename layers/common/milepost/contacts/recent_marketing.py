"""The marketing that a contact got of late: what caps are counted by.

A message counts from its claim on, in the same transaction, so that no two claims at one instant
both find room for the last one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

NO_SENDS: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a message was mailed that the post has thrown back: it counts no more."""

DEFAULT_HISTORY_SIZE: Final = 10
"""Messages that are remembered, unless a cap asks for more; the reader's own wish may come any day.
"""

MAX_RECENT_SENDS: Final = 25
"""As many as a cap may ask for: a profile is paid for by its size at every write."""

RETENTION: Final = timedelta(days=31)
"""Longer than anything is counted over."""

_MILLISECOND: Final = timedelta(milliseconds=1)

RecentSends = Mapping[str, datetime]


def history_size(caps: Mapping[str, int] | None) -> int:
    """How many messages have to be remembered for a store's caps."""
    return max([DEFAULT_HISTORY_SIZE, *(caps or {}).values()])


def send_key(message: str) -> str:
    """What stands for a message where many are kept: some of the hash that its id ends with."""
    return message[-12:]


def add_send(
    mailed: RecentSends, message: str, at: datetime, most: int = DEFAULT_HISTORY_SIZE
) -> dict[str, datetime]:
    """What is remembered once this message is claimed; instants to the millisecond."""
    recent = {key: when for key, when in mailed.items() if at - when < RETENTION}
    return _newest({**recent, send_key(message): to_milliseconds(at)}, most)


def remove_send(
    recent: RecentSends, message: str, claimed_at: datetime | None = None
) -> dict[str, datetime]:
    """What is remembered once a message will reach no one: it counts no more.

    With `claimed_at` only the claim of that instant is removed. Production says this as a condition
    of DynamoDB (`sending/dynamodb/recent_marketing.py`): a read would be one more request.
    """
    key, at = send_key(message), claimed_at and to_milliseconds(claimed_at)
    if key not in recent or (at is not None and recent[key] != at):
        return dict(recent)
    return {**recent, key: NO_SENDS}


def merge_sends(one: RecentSends, other: RecentSends) -> dict[str, datetime]:
    """What two contacts got who turn out to be one."""
    both = {**one, **{key: max(at, one.get(key, at)) for key, at in other.items()}}
    return _newest(both, MAX_RECENT_SENDS)


def _newest(mailed: RecentSends, most: int) -> dict[str, datetime]:
    newest = sorted(mailed, key=lambda key: (mailed[key], key), reverse=True)[:most]
    return {key: mailed[key] for key in sorted(newest)}


def to_milliseconds(at: datetime) -> datetime:
    return at - (at - NO_SENDS) % _MILLISECOND


def to_numbers(mailed: RecentSends) -> dict[str, int]:
    """Instants as a table keeps them: in milliseconds."""
    return {key: (at - NO_SENDS) // _MILLISECOND for key, at in mailed.items()}


def from_numbers(held: Mapping[str, int]) -> dict[str, datetime]:
    return {key: NO_SENDS + int(number) * _MILLISECOND for key, number in held.items()}
