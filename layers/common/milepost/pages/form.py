"""Sign-up forms: their fields, and the answers that Milepost accepts."""

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
"""The fields that every form can post in addition to its own; `redirect` is ignored."""

PERSON = tuple(name for name, field in CONTACT_FIELDS.items() if field.asked_by_forms)
"""Fields of the contact itself; all others are properties."""

MAX_ANSWER_LENGTH = 500
MAX_NAME_LENGTH = 60
DEVICE_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""A random UUID, as the browser snippet creates it: it cannot be guessed."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_LINK = re.compile(r"://|www\.|\w\.\w{2,}/|@", re.IGNORECASE)
"""A name must not contain a link, because an e-mail to the given address prints the name."""


class Form(NamedTuple):
    """A form as the running functions read it (see `form_file.py`)."""

    name: str
    topics: tuple[str, ...] = ()
    list: str = ""
    double_opt_in: bool = True
    consent_text: str | Mapping[str, str] = ""
    fields: Mapping[str, Mapping[str, Any]] = {}
    redirect: str = ""
    honeypot: str = "website"
    per_hour: int = 30

    def consent_text_in(self, locale: str, default: str) -> str:
        """The consent text in the language in which the form showed it."""
        if isinstance(self.consent_text, str):
            return self.consent_text
        return self.consent_text.get(choose(locale, self.consent_text, default), "")


def form_named(settings: StoreSettings, name: str) -> Form | None:
    """The store's form with this name, or None."""
    document = (settings.forms or {}).get(name)
    if document is None:
        return None
    known = {key: document[key] for key in Form._fields if key in document}
    return Form(**{**known, "name": name, "topics": tuple(known.get("topics", ()))})


def origins(settings: StoreSettings) -> tuple[str, ...]:
    """The websites whose scripts can call the API: the shop's own if the settings name none."""
    if settings.origins or not settings.url:
        return settings.origins
    parts = urlsplit(settings.url)
    return (f"{parts.scheme}://{parts.netloc}",)


class Answers(NamedTuple):
    """The accepted answers of a post."""

    email: str
    values: Mapping[str, Any]
    locale: str = ""
    timezone: str = ""
    device: str = ""


class FormError(NamedTuple):
    """The error in one field of a post; `code` is bad_email, required or bad_field."""

    code: str
    field: str
    reason: str


def read_answers(form: Form, posted: Mapping[str, Any]) -> Answers | FormError:
    """Read a post. Unknown fields and an invalid language or time zone are ignored."""
    answer = posted.get("email")
    email = normalize_email(answer) if isinstance(answer, str) else None
    if email is None:
        return FormError(
            "bad_email", "email", "this is not an e-mail address that mail can be sent to"
        )
    values: dict[str, Any] = {}
    for name, field in form.fields.items():
        value_or_error = _answer(name, field, posted.get(name))
        if isinstance(value_or_error, FormError):
            return value_or_error
        if value_or_error is not None:
            values[name] = value_or_error
    locale, zone, device = (posted.get(name) for name in ("locale", "timezone", "device"))
    return Answers(
        email=email,
        values=values,
        locale=normalize(locale) if isinstance(locale, str) and len(locale) <= 35 else "",
        timezone=zone if isinstance(zone, str) and find_zone(zone) else "",
        device=device if isinstance(device, str) and DEVICE_PATTERN.fullmatch(device) else "",
    )


def is_bot_submission(form: Form, posted: Mapping[str, Any]) -> bool:
    """Whether the hidden field is filled in."""
    return bool(posted.get(form.honeypot))


def request_id(store: str, form: str, email: str, at: str) -> str:
    """The id of one post. Identical posts within one millisecond have the same id."""
    return sha256(f"{store}\n{form}\n{email}\n{at}".encode()).hexdigest()[:24]


def _answer(name: str, field: Mapping[str, Any], answer: Any) -> Any:
    """The answer to one field; None if there is none."""
    answer = answer.strip() if isinstance(answer, str) else answer
    kind = field.get("type", "text")
    if kind == "boolean":
        answer = answer not in (None, "", False, "false", "0", "off", "no")
    if answer in (None, "") or (kind == "boolean" and not answer and field.get("required")):
        missing = FormError("required", name, f"{name} is required")
        return missing if field.get("required") else None
    value = _READ[kind](answer)
    if value is None:
        return FormError("bad_field", name, f"{name} is not a {kind}")
    if name in PERSON and (len(value) > MAX_NAME_LENGTH or _LINK.search(value)):
        return FormError("bad_field", name, f"{name} is not a name")
    if "choices" in field and value not in field["choices"]:
        return FormError("bad_field", name, f"{name} is not one of the choices")
    return value


def _text(answer: Any) -> str | None:
    if not isinstance(answer, str) or len(answer) > MAX_ANSWER_LENGTH or _CONTROL.search(answer):
        return None
    return (
        answer if answer.isascii() or not any("\ud800" <= c <= "\udfff" for c in answer) else None
    )


def _number(answer: Any) -> float | int | None:
    if (
        isinstance(answer, bool)
        or not isinstance(answer, int | float | str)
        or len(str(answer)) > 40
    ):
        return None
    try:
        number = float(answer)
    except (ValueError, OverflowError):
        return None
    if not isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _date(answer: Any) -> str | None:
    try:
        return date.fromisoformat(answer).isoformat() if len(answer) == len("2027-01-31") else None
    except (TypeError, ValueError):
        return None


_READ: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "boolean": bool,
}
