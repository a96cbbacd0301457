"""Changes that workflows make to a contact's fields, and what several of them come to.

A field has a base, which the newest `set` or `unset` wrote, and the additions made since: sums and
lists that must not be lost when two workflows change them at once. Whatever the order in which
changes arrive, the field comes to the same (as long as none comes later than `MAX_RECENT_ADDITIONS`
others).
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple

MAX_RECENT_ADDITIONS = 20
"""Additions kept apart, for one that happened earlier may still arrive. Older ones are merged."""

MAX_LIST_LENGTH = 50

MAX_EXACT_INTEGER = 2**53
"""Up to here a float holds every whole number, and a sum of them is true to the last point."""

Base = tuple[Any, str, str]
"""A value, and the instant and the event that set it."""


class Change(NamedTuple):
    """One change of one field: `properties.points`, `lists.vip`, `stage`, `score`, `locale`."""

    kind: Literal["set", "unset", "add", "append"]
    name: str
    value: Any = None


class Addition(NamedTuple):
    """A change that builds on what is there, with its instant and its event."""

    at: str
    event: str
    kind: Literal["add", "append"]
    value: Any


def current_value(base: Base | None, additions: Sequence[Addition]) -> Any:
    """What a field comes to; None if there is nothing."""
    value = base[0] if base else None
    for addition in additions:
        value = _plus(value, addition)
    return value


def add_to(
    base: Base | None, additions: Sequence[Addition], new: Addition
) -> tuple[Base | None, tuple[Addition, ...]]:
    """The field after one more addition; one that is known or older than the base adds nothing."""
    if (base is not None and new[:2] <= base[1:]) or new in additions:
        return base, tuple(additions)
    kept = sorted((*additions, new), key=lambda each: each[:2])
    while len(kept) > MAX_RECENT_ADDITIONS:
        oldest = kept.pop(0)
        base = (_plus(base[0] if base else None, oldest), oldest.at, oldest.event)
    return base, tuple(kept)


def since(base: Base, additions: Sequence[Addition]) -> tuple[Addition, ...]:
    """The additions that a new base leaves standing."""
    return tuple(each for each in additions if each[:2] > base[1:])


def _sum(value: float, amount: float) -> float:
    """A whole sum is an integer: five points are `5` in a mail, not `5.0`."""
    try:
        total = float(value + amount)
    except OverflowError:  # an integer that no float can hold
        return value
    if not isfinite(total):
        return value
    return int(total) if total.is_integer() and abs(total) < MAX_EXACT_INTEGER else total


def _plus(value: Any, addition: Addition) -> Any:
    if addition.kind == "add":
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            return value  # no number: there is nothing to add to
        return _sum(value or 0, addition.value)
    held = value if isinstance(value, list) else [] if value is None else [value]
    return held if addition.value in held else [*held, addition.value][-MAX_LIST_LENGTH:]
