"""The recent marketing e-mails of a contact, which caps count.

The claim of a message adds it in the same transaction, so two concurrent claims cannot both get
the last place under a cap.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

NO_SENDS: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a message that SES rejected; it does not count."""

DEFAULT_HISTORY_SIZE: Final = 10
"""Messages to remember, unless a cap needs more. A recipient may choose a frequency at any time."""

MAX_RECENT_SENDS: Final = 25
"""The highest cap: every write of a profile costs by its size."""

RETENTION: Final = timedelta(days=31)
"""Longer than any period that caps count."""

_MILLISECOND: Final = timedelta(milliseconds=1)

RecentSends = Mapping[str, datetime]


def history_size(caps: Mapping[str, int] | None) -> int:
    """How many messages to remember for a store's caps."""
    return max([DEFAULT_HISTORY_SIZE, *(caps or {}).values()])


def send_key(message: str) -> str:
    """A short key of a message: the end of the hash in its id."""
    return message[-12:]


def add_send(
    sends: RecentSends, message: str, at: datetime, most: int = DEFAULT_HISTORY_SIZE
) -> dict[str, datetime]:
    """The recent sends after this message's claim; instants to the millisecond."""
    recent = {key: when for key, when in sends.items() if at - when < RETENTION}
    return _newest({**recent, send_key(message): to_milliseconds(at)}, most)


def remove_send(
    recent: RecentSends, message: str, claimed_at: datetime | None = None
) -> dict[str, datetime]:
    """The recent sends after a message turned out to reach no mailbox: it no longer counts.

    With `claimed_at`, only the claim of that instant is removed. Production writes this rule as a
    DynamoDB condition, because a read would be one more request.
    """
    key, at = send_key(message), claimed_at and to_milliseconds(claimed_at)
    if key not in recent or (at is not None and recent[key] != at):
        return dict(recent)
    return {**recent, key: NO_SENDS}


def merge_sends(one: RecentSends, other: RecentSends) -> dict[str, datetime]:
    """The recent sends of two merged contacts."""
    both = {**one, **{key: max(at, one.get(key, at)) for key, at in other.items()}}
    return _newest(both, MAX_RECENT_SENDS)


def _newest(sends: RecentSends, most: int) -> dict[str, datetime]:
    newest = sorted(sends, key=lambda key: (sends[key], key), reverse=True)[:most]
    return {key: sends[key] for key in sorted(newest)}


def to_milliseconds(at: datetime) -> datetime:
    return at - (at - NO_SENDS) % _MILLISECOND


def to_numbers(sends: RecentSends) -> dict[str, int]:
    """Instants in milliseconds, as the table stores them."""
    return {key: (at - NO_SENDS) // _MILLISECOND for key, at in sends.items()}


def from_numbers(stored: Mapping[str, int]) -> dict[str, datetime]:
    return {key: NO_SENDS + int(number) * _MILLISECOND for key, number in stored.items()}
