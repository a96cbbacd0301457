"""The fields of a contact that every store has, one row each; all else is a property.

An event may state them, a file may have a column for them, templates and conditions may read them:
all of that is made from this table. What a shop platform calls a field stands in its own mapping.
"""

from collections.abc import Callable
from typing import Final, NamedTuple


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
