"""Sign-up forms: what a store asks, and what of an answer may be taken."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from hashlib import sha256
from math import isfinite
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from milepost.base.addresses import normalize_email
from milepost.base.dates import find_zone
from milepost.base.languages import choose, normalize
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.stores.settings import StoreSettings

STANDARD_ANSWERS = frozenset({"email", "device", "form", "locale", "timezone", "redirect"})
"""What every form may post, whatever its fields are; `redirect` is not looked at."""

PERSON = tuple(name for name, field in CONTACT_FIELDS.items() if field.asked_by_forms)
"""Fields of the contact itself; all others are properties."""

MAX_ANSWER_LENGTH = 500
MAX_NAME_LENGTH = 60
DEVICE_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""A random UUID, as the browser snippet makes them: nobody can guess another's."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_LINK = re.compile(r"://|www\.|\w\.\w{2,}/|@", re.IGNORECASE)
"""A name is no place for a link: it would be printed in a mail to whoever's address was given."""


class Form(NamedTuple):
    """A form as the running functions see it (see `forms_file.py`)."""

    name: str
    topics: tuple[str, ...] = ()
    list: str = ""
    double_opt_in: bool = True
    consent_text: str | Mapping[str, str] = ""
    fields: Mapping[str, Mapping[str, Any]] = {}
    redirect: str = ""
    honeypot: str = "website"
    per_hour: int = 30

    def worded(self, locale: str, default: str) -> str:
        """What the reader agreed to, in the language it was shown in."""
        if isinstance(self.consent_text, str):
            return self.consent_text
        return self.consent_text.get(choose(locale, self.consent_text, default), "")


def form_named(settings: StoreSettings, name: str) -> Form | None:
    """A form that the store has, or None."""
    document = (settings.forms or {}).get(name)
    if document is None:
        return None
    known = {key: document[key] for key in Form._fields if key in document}
    return Form(**{**known, "name": name, "topics": tuple(known.get("topics", ()))})


def origins(settings: StoreSettings) -> tuple[str, ...]:
    """The websites whose pages may call from a script: the shop's own if none is named."""
    if settings.origins or not settings.url:
        return settings.origins
    parts = urlsplit(settings.url)
    return (f"{parts.scheme}://{parts.netloc}",)


class Answers(NamedTuple):
    """What was posted, as far as it may be taken."""

    email: str
    values: Mapping[str, Any]
    locale: str = ""
    timezone: str = ""
    device: str = ""


class FormError(NamedTuple):
    """What is wrong with one field of a post; `code` is one of bad_email, required, bad_field."""

    code: str
    field: str
    reason: str


def read_answers(form: Form, posted: Mapping[str, Any]) -> Answers | FormError:
    """Read a post. What the form does not ask for is left out, and so is a bad language or zone."""
    given = posted.get("email")
    email = normalize_email(given) if isinstance(given, str) else None
    if email is None:
        return FormError(
            "bad_email", "email", "this is not an e-mail address that mail can be sent to"
        )
    values: dict[str, Any] = {}
    for name, field in form.fields.items():
        found = _answer(name, field, posted.get(name))
        if isinstance(found, FormError):
            return found
        if found is not None:
            values[name] = found
    locale, zone, device = (posted.get(name) for name in ("locale", "timezone", "device"))
    return Answers(
        email=email,
        values=values,
        locale=normalize(locale) if isinstance(locale, str) and len(locale) <= 35 else "",
        timezone=zone if isinstance(zone, str) and find_zone(zone) else "",
        device=device if isinstance(device, str) and DEVICE_PATTERN.fullmatch(device) else "",
    )


def is_bot_submission(form: Form, posted: Mapping[str, Any]) -> bool:
    """Whether the field was filled in that people cannot see."""
    return bool(posted.get(form.honeypot))


def request_id(store: str, form: str, email: str, at: str) -> str:
    """Names one post, so that the same within one millisecond is one."""
    return sha256(f"{store}\n{form}\n{email}\n{at}".encode()).hexdigest()[:24]


def _answer(name: str, field: Mapping[str, Any], given: Any) -> Any:
    """The answer to one question, None if there is none."""
    given = given.strip() if isinstance(given, str) else given
    kind = field.get("type", "text")
    if kind == "boolean":
        given = given not in (None, "", False, "false", "0", "off", "no")
    if given in (None, "") or (kind == "boolean" and not given and field.get("required")):
        needed = FormError("required", name, f"{name} is required")
        return needed if field.get("required") else None
    read = _READ[kind](given)
    if read is None:
        return FormError("bad_field", name, f"{name} is not a {kind}")
    if name in PERSON and (len(read) > MAX_NAME_LENGTH or _LINK.search(read)):
        return FormError("bad_field", name, f"{name} is not a name")
    if "choices" in field and read not in field["choices"]:
        return FormError("bad_field", name, f"{name} is not one of the choices")
    return read


def _text(given: Any) -> str | None:
    if not isinstance(given, str) or len(given) > MAX_ANSWER_LENGTH or _CONTROL.search(given):
        return None
    return given if given.isascii() or not any("\ud800" <= c <= "\udfff" for c in given) else None


def _number(given: Any) -> float | int | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str) or len(str(given)) > 40:
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    if not isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _date(given: Any) -> str | None:
    try:
        return date.fromisoformat(given).isoformat() if len(given) == len("2027-01-31") else None
    except (TypeError, ValueError):
        return None


_READ: Mapping[str, Callable[[Any], Any]] = {
    "text": _text, "number": _number, "date": _date, "boolean": bool,
}  # fmt: skip
