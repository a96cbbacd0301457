"""The fields of a contact: the table of fields, their spelling, and how changes add up."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Final, Literal, NamedTuple

MAX_RECENT_ADDITIONS = 20
"""Additions that are stored one by one, because an earlier one may still arrive. Older ones are
merged into the base value."""

MAX_LIST_LENGTH = 50

MAX_EXACT_INTEGER = 2**53
"""Up to here a float holds every whole number exactly."""

Base = tuple[Any, str, str]
"""A value, the instant at which it was set, and the event that set it."""


class Change(NamedTuple):
    """One change of one field: `properties.points`, `lists.vip`, `stage`, `score`, `locale`."""

    kind: Literal["set", "unset", "add", "append"]
    name: str
    value: Any = None


class Addition(NamedTuple):
    """A change that adds to the current value, with its instant and its event."""

    at: str
    event: str
    kind: Literal["add", "append"]
    value: Any


def current_value(base: Base | None, additions: Sequence[Addition]) -> Any:
    """The value of a field; None if it has none."""
    value = base[0] if base else None
    for addition in additions:
        value = _plus(value, addition)
    return value


def add_to(
    base: Base | None, additions: Sequence[Addition], new: Addition
) -> tuple[Base | None, tuple[Addition, ...]]:
    """The field after one more addition. A known one, or one older than the base, adds nothing."""
    if (base is not None and new[:2] <= base[1:]) or new in additions:
        return base, tuple(additions)
    kept = sorted((*additions, new), key=lambda each: each[:2])
    while len(kept) > MAX_RECENT_ADDITIONS:
        oldest = kept.pop(0)
        base = (_plus(base[0] if base else None, oldest), oldest.at, oldest.event)
    return base, tuple(kept)


def since(base: Base, additions: Sequence[Addition]) -> tuple[Addition, ...]:
    """The additions that are newer than a base."""
    return tuple(each for each in additions if each[:2] > base[1:])


def _sum(value: float, amount: float) -> float:
    """A whole sum becomes an integer: a mail shows `5` points, not `5.0`."""
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
            return value  # not a number: nothing to add to
        return _sum(value or 0, addition.value)
    items = value if isinstance(value, list) else [] if value is None else [value]
    return items if addition.value in items else [*items, addition.value][-MAX_LIST_LENGTH:]


def as_written(text: str) -> str | None:
    return text


# Imported late: writing events needs neither.


def _language(text: str) -> str | None:
    from milepost.base.languages import normalize

    return normalize(text) or None


def _time_zone(text: str) -> str | None:
    from milepost.base.dates import find_zone

    return text if find_zone(text) else None


class ContactField(NamedTuple):
    """One field. Its value is a text; an event that does not state it leaves it unchanged.

    `label` names it in sentences, `description` in the schemas of files and of the API. `normalize`
    gives the stored spelling, or None for an invalid text; error messages then give `spelling`. The
    events API accepts `pattern`, if there is one. `aliases` are column titles that mean the field,
    besides its name, without regard to case and punctuation. `asked_by_forms`: sign-up forms may
    ask for it (a short text without links). `set_by_steps`: `update_contact` can set it.
    `optional_in_templates`: a template must have a default for it. Previews and test mails show
    `sample`.
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
"""The rows by name. To add a field from outside, add its row before any module that reads this
table is imported (see `tests/registries`)."""
