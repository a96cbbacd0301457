"""Parses one cell into the value of a field, or an error."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from json import dumps
from typing import Any, Final, Literal

from milepost.base import times
from milepost.base.addresses import normalize_email, normalize_phone
from milepost.base.names import is_workflow
from milepost.contacts.fields import ContactField
from milepost.contacts.preferences import FREQUENCIES
from milepost.contacts.profile import MAX_VALUE_LENGTH

Type = Literal["text", "number", "boolean", "date", "instant", "list"]

MAX_NAME_LENGTH = 200
TRUE: Final = frozenset({"true", "yes", "y", "1", "on"})
FALSE: Final = frozenset({"false", "no", "n", "0", "off"})
WITHDRAWN: Final = FALSE | {
    "withdrawn", "unsubscribed", "unsubscribe", "opted out", "opted_out", "opt-out", "opt out",
    "optout", "cleaned", "bounced", "complained", "suppressed", "redacted",
}  # fmt: skip
GRANTED: Final = TRUE | {
    "granted", "subscribed", "subscribe", "opted in", "opted_in", "opt-in", "opt in", "optin",
    "confirmed", "active",
}  # fmt: skip
NEITHER: Final = frozenset({"pending", "not_subscribed", "never subscribed", "unknown", "invalid"})
"""Words that mean no answer."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_EXTERNAL = re.compile(r"[\x21-\x7e]{1,200}")
_PARTS = {"YYYY": r"(?P<y>\d{4})", "MM": r"(?P<m>\d{1,2})", "DD": r"(?P<d>\d{1,2})"}


class CellError(ValueError):
    """An invalid cell: the reason, which never quotes the cell, and the remedy."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def is_formula(cell: Any) -> bool:
    """Whether a spreadsheet would run this as a formula."""
    return isinstance(cell, str) and cell.startswith(FORMULA) and not _harmless(cell)


def _harmless(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell)) or normalize_phone(cell) is not None


def read_text(cell: Any, longest: int = MAX_NAME_LENGTH) -> str:
    if not isinstance(cell, str):
        raise CellError("is no text", "write it in quotes")
    if len(cell) > longest:
        raise CellError(f"is longer than {longest} characters", "shorten it")
    if any(ord(letter) < 32 and letter not in "\t\n\r" for letter in cell):
        raise CellError("holds control characters", "remove them")
    return cell


def _email(cell: Any) -> str:
    found = normalize_email(read_text(cell, 1000))
    if found is None:
        raise CellError(
            "is not an e-mail address that mail can be sent to", "write it as name@shop.example"
        )
    return found


def _phone(cell: Any) -> str:
    found = normalize_phone(read_text(cell))
    if found is None:
        raise CellError(
            "is not a number with its country code", "write it as +33612345678, as text"
        )
    return found


def _external_id(cell: Any) -> str:
    text = str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell
    if not isinstance(text, str) or not _EXTERNAL.fullmatch(text):
        raise CellError("is not an id", "up to 200 letters, digits and signs, without spaces")
    return text


def read_field(cell: Any, field: ContactField) -> str:
    """The value of one of the contact's own fields."""
    found = field.normalize(read_text(cell))
    if found is None:
        raise CellError(f"is not a {field.label}", f"write {field.spelling}")
    return found


def read_number(cell: Any) -> int | float:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell
    if not isinstance(cell, str) or not _NUMBER.fullmatch(cell):
        raise CellError("is not a number", "write digits, with a point and without separators")
    return float(cell) if "." in cell else int(cell)


def _boolean(cell: Any) -> bool:
    word = cell.casefold() if isinstance(cell, str) else cell
    if word is True or word in TRUE:
        return True
    if word is False or word in FALSE:
        return False
    raise CellError("is neither yes nor no", "write true or false")


def read_date(cell: Any, written: str = "") -> str:
    """A calendar day as `2027-01-31`, from that format or another (`DD.MM.YYYY`)."""
    pattern = re.escape(written or "YYYY-MM-DD")
    for part, expression in _PARTS.items():
        pattern = pattern.replace(part, expression)
    match = re.fullmatch(pattern, cell) if isinstance(cell, str) else None
    try:
        if match is None:
            raise ValueError
        return date(*(int(match[part]) for part in "ymd")).isoformat()
    except ValueError:
        shown = written or "YYYY-MM-DD"
        raise CellError(f"is not a date written {shown}", 'name another "format"') from None


def read_instant(cell: Any) -> str:
    try:
        return times.format_instant(times.parse_instant(cell))
    except (ValueError, TypeError):
        raise CellError(
            "is not a time with an offset", "write it as 2026-11-22T09:30:00Z"
        ) from None


def read_list(cell: Any) -> list[str]:
    """Words of a JSON list, or of a text separated by semicolons or commas."""
    words = cell if isinstance(cell, list) else _parted(read_text(cell, MAX_VALUE_LENGTH))
    found = [word.strip() if isinstance(word, str) else word for word in words]
    if not all(isinstance(word, str) for word in found):
        raise CellError("is no list of texts")
    return list(dict.fromkeys(word for word in found if word))


def _parted(cell: str) -> list[str]:
    return cell.split(";" if ";" in cell else ",")


def read_lists(cell: Any) -> list[str]:
    """List names from `{"vip": true}`, a JSON list, or a text."""
    names = [name for name, on in cell.items() if on] if isinstance(cell, dict) else read_list(cell)
    for name in names:
        if not is_workflow(name):
            raise CellError(
                "holds what cannot be the name of a list",
                "lower-case letters, digits and hyphens, 40 at most; semicolons between them",
            )
    return names


def read_consent(cell: Any, withdrawn: tuple[str, ...] = ()) -> Literal["", "granted", "withdrawn"]:
    """The consent in a cell, "" for no answer. If `withdrawn` is given, other words are ignored."""
    state = cell.get("state") if isinstance(cell, dict) else cell
    word = str(state).strip().casefold() if isinstance(state, str | bool | int) else ""
    if withdrawn:
        return "withdrawn" if word in {each.casefold() for each in withdrawn} else ""
    if word in WITHDRAWN:
        return "withdrawn"
    if word in GRANTED:
        return "granted"
    if word in NEITHER:
        return ""
    raise CellError(
        "is an answer that is not known here",
        'say in "withdrawn" which words of this column mean no',
    )


def read_frequency(cell: Any) -> str:
    """How often a contact wants e-mail: `all`, `weekly` or `monthly`."""
    word = cell.casefold() if isinstance(cell, str) else ""
    if word not in FREQUENCIES:
        raise CellError(
            "is neither all, weekly nor monthly",
            'write one of them, or map the column to a property in "columns"',
        )
    return word


IDENTIFIERS: Final[Mapping[str, Callable[[Any], str]]] = {
    "email": _email,
    "external_id": _external_id,
    "phone": _phone,
}


def read_property(cell: Any, type_: Type, written: str = "") -> Any:
    """The value of a property."""
    match type_:
        case "number":
            value: Any = read_number(cell)
        case "boolean":
            value = _boolean(cell)
        case "date":
            value = read_date(cell, written)
        case "instant":
            value = read_instant(cell)
        case "list":
            value = read_list(cell)
        case "text":
            value = read_text(cell, MAX_VALUE_LENGTH) if isinstance(cell, str) else cell
    if len(dumps(value)) > MAX_VALUE_LENGTH:
        raise CellError(f"is longer than {MAX_VALUE_LENGTH} characters", "shorten it")
    return value
