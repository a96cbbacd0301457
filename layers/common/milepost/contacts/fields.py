"""The fields of a contact: which there are, how values are written, and how they change."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Final, Literal, NamedTuple

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


def as_written(text: str) -> str | None:
    return text


# What only writes events keeps them as they are stated, and needs neither of these imports.


def _language(text: str) -> str | None:
    from milepost.base.languages import normalize

    return normalize(text) or None


def _time_zone(text: str) -> str | None:
    from milepost.base.dates import find_zone

    return text if find_zone(text) else None


class ContactField(NamedTuple):
    """One field. Its value is a text, and an event that does not state it leaves it as it is.

    `label` is what people call it in sentences, `description` what it holds, in the schemas of
    files and of the API. `normalize` gives the one spelling that is kept, or None for a text that
    is no such thing; error messages then say `spelling`. `pattern` is what the events API takes, if
    the field has a form at all. `aliases` are titles of columns that mean it, beside its name: case
    and punctuation do not count. A sign-up form may ask for it if it is `asked_by_forms` (the
    answer is a short text without links), and the step `update_contact` can set it if it is
    `set_by_steps`. A template has to say what it prints for a contact without it if it is
    `optional_in_templates`. `sample` is what previews and test mails show.
    """

    name: str
    label: str
    description: str
    normalize: Callable[[str], str | None] = as_written
    spelling: str = ""
    pattern: str = ""
    aliases: tuple[str, ...] = ()
    asked_by_forms: bool = False
    set_by_steps: bool = False
    optional_in_templates: bool = True
    sample: str = ""


_ROWS = (
    ContactField(
        "first_name", "first name", "The name that mails greet.",
        aliases=("given name", "forename", "fname"), asked_by_forms=True, sample="Robin",
    ),
    ContactField(
        "last_name", "last name", "The family name.",
        aliases=("surname", "family name", "lname"), asked_by_forms=True, sample="Hale",
    ),
    ContactField(
        "locale", "language", "The contact's language: `pt-BR`.",
        normalize=_language, spelling="a language tag like pt-BR",
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$",
        aliases=("language", "lang"), set_by_steps=True, optional_in_templates=False,
    ),
    ContactField(
        "timezone", "time zone", "The contact's time zone: `Europe/Paris`.",
        normalize=_time_zone, spelling="an IANA name like Europe/Paris",
        aliases=("tz",), set_by_steps=True,
    ),
)  # fmt: skip

CONTACT_FIELDS: Final[dict[str, ContactField]] = {field.name: field for field in _ROWS}
"""The table, by name. To try a field out, add a row before anything that reads the table is
imported (see `tests/registries`)."""
