"""Jinja filters: those that authors name, and those that the compiler adds for escaping."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from jinja2 import pass_context
from jinja2.filters import do_dictsort, do_sort, do_title, do_truncate, do_unique
from jinja2.runtime import Context
from markupsafe import Markup

from milepost.templates import formats
from milepost.templates.sandbox import (
    MAX_TEXT_LENGTH,
    Missing,
    NotPlainDataError,
    RenderLimitError,
    charge_budget,
    concat,
    each,
    text_of,
)
from milepost.templates.utm import Campaign, add_utm, utm_suffix

CAMPAIGN = "_campaign"
"""The key of the campaign that is added to links to the store's own pages, or None."""

_RTL = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
_RTL_LETTER = re.compile(f"(?=[{_RTL}])[^\\W\\d_]|\u200f")
_LTR_LETTER = re.compile(f"(?![{_RTL}])[^\\W\\d_]|\u200e|\\d\\s+\\d|[+(]\\d")
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:|#)[^\s<>\"\\]*", re.IGNORECASE)
_STYLE = re.compile(r"[\w#%.,\- ]{0,64}")
_QUOTED = re.compile(r"['()]")


def _first_strong(text: str) -> str:
    for character in text:
        if _RTL_LETTER.match(character):
            return "rtl"
        if character.isalpha() or character == "\u200e":
            return "ltr"
    return "ltr"


def _needs_isolation(text: str, rtl: bool) -> bool:
    """Whether a text would reorder, or be reordered by, a sentence of the given direction."""
    if rtl:
        return _LTR_LETTER.search(text) is not None
    return not text.isascii() and _RTL_LETTER.search(text) is not None


def _isolate(text: str, rtl: bool) -> str:
    """Put U+2068 … U+2069 around a text if needed, but not around addresses, because mail programs
    would include these characters in the link."""
    if _needs_isolation(text, rtl) and not text.startswith(("https://", "http://", "mailto:")):
        return f"\u2068{text}\u2069"
    return text


def _plain_ltr(value: Any) -> str:
    return _isolate(text_of(value), False)


def _plain_rtl(value: Any) -> str:
    return _isolate(text_of(value), True)


def _attribute_ltr(value: Any) -> str:
    return _isolate(text_of(value), False)


def _attribute_rtl(value: Any) -> str:
    return _isolate(text_of(value), True)


def _span(text: str) -> Markup:
    return Markup('<span dir="{}">{}</span>').format(_first_strong(text), text)


def _html_ltr(value: Any) -> str:
    text = value if type(value) is str else text_of(value)
    if text.isascii() or not _RTL_LETTER.search(text):
        return text
    return _span(text)


def _html_rtl(value: Any) -> str:
    text = value if type(value) is str else text_of(value)
    return _span(text) if _LTR_LETTER.search(text) else text


def _link(value: Any) -> str:
    """A safe address; `#` for any other (javascript:, data:, relative).

    Shops write image addresses as `//host/path`, which an e-mail cannot resolve, so they get https.
    """
    text = text_of(value).strip()
    if text.startswith("//"):
        text = f"https://{text.lstrip('/')}"
    return text if _SCHEME.fullmatch(text) else "#"


def _visit(context: Context, value: Any) -> str:
    """A safe address, with UTM parameters if it is the store's."""
    address = _link(value)
    campaign: Campaign | None = context.parent[CAMPAIGN]
    return add_utm(address, campaign) if campaign else address


def _mark(context: Context, value: Any) -> str:
    """The UTM parameters after an address of several parts."""
    campaign: Campaign | None = context.parent[CAMPAIGN]
    address = text_of(value)
    return utm_suffix(address, campaign) if campaign and "#" not in address else ""


def _link_part(value: Any) -> str:
    """A part of an address after its host, encoded unless it already is."""
    return quote(text_of(value), safe="%/")


def _style_link(value: Any) -> str:
    """An address inside `url(...)`."""
    return _QUOTED.sub(lambda match: f"%{ord(match[0]):02X}", _link(value))


def _style(value: Any) -> str:
    """A color, a size or a word; nothing that could begin another declaration."""
    text = text_of(value)
    return text if _STYLE.fullmatch(text) else ""


PRINTING: dict[str, Callable[..., Any]] = {
    "_plain_ltr": _plain_ltr,
    "_plain_rtl": _plain_rtl,
    "_html_ltr": _html_ltr,
    "_html_rtl": _html_rtl,
    "_attribute_ltr": _attribute_ltr,
    "_attribute_rtl": _attribute_rtl,
    "_link": _link,
    "_link_part": _link_part,
    "_visit": pass_context(_visit),
    "_mark": pass_context(_mark),
    "_style": _style,
    "_style_link": _style_link,
    "_each": pass_context(each),
    "_concat": pass_context(concat),
}
"""The filters that the compiler puts around expressions. Templates cannot use these names."""


LOCALE = "_locale"
"""The key of the language tag that formats money and dates."""

MAX_COLUMNS = 100
MAX_PLACES = 6


def _default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    """The value, or `other` if it is missing or an empty text."""
    if isinstance(value, Missing) or (boolean and not value):
        return other
    return other if type(value) is str and not value.strip() else value


def _unchanged(value: Any) -> Any:
    """`escape` does nothing, because every value is escaped when it is printed."""
    return value


def _items(value: Any) -> list[Any]:
    if isinstance(value, Missing):
        value._fail_with_undefined_error()
    if type(value) not in (list, tuple, dict, str):
        raise NotPlainDataError("a filter for lists needs a list")
    return list(value)


def _length(value: Any) -> int:
    return len(_items(value))


def _first(value: Any) -> Any:
    items = _items(value)
    return items[0] if items else Missing(name="first")


def _last(value: Any) -> Any:
    items = _items(value)
    return items[-1] if items else Missing(name="last")


def _attributes(value: Any, attribute: str | None) -> list[Any]:
    items = _items(value)
    if attribute is None:
        return items
    return [
        item[attribute] if type(item) is dict and attribute in item else Missing(name=attribute)
        for item in items
    ]


def _join(value: Any, separator: str = "", attribute: str | None = None) -> str:
    texts = [text_of(item) for item in _attributes(value, attribute)]
    if sum(map(len, texts)) + len(separator) * len(texts) > MAX_TEXT_LENGTH:
        raise RenderLimitError(f"a text grows beyond {MAX_TEXT_LENGTH} characters")
    return separator.join(texts)


def _sum(value: Any, attribute: str | None = None) -> float:
    total = sum(formats.read_amount(text_of(item)) for item in _attributes(value, attribute))
    return int(total) if total == int(total) else float(total)


def _round(value: Any, precision: int = 0) -> float:
    if not 0 <= precision <= MAX_PLACES:
        raise NotPlainDataError(f"round takes 0 to {MAX_PLACES} places")
    amount = round(formats.read_amount(text_of(value)), precision)
    return float(amount) if precision else int(amount)


def _int(value: Any, default: int | None = None) -> int:
    """A whole number. Without a default, anything else is an error, because 0 would be a wrong
    price."""
    try:
        return int(formats.read_amount(text_of(value)))
    except ValueError:
        if default is None:
            raise
        return default


def _float(value: Any, default: float | None = None) -> float:
    try:
        return float(formats.read_amount(text_of(value)))
    except ValueError:
        if default is None:
            raise
        return default


def _replace(value: Any, old: str, new: str) -> str:
    text = text_of(value)
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT_LENGTH:
        raise RenderLimitError(f"a text grows beyond {MAX_TEXT_LENGTH} characters")
    return text.replace(old, new)


def _urlencode(value: Any) -> str:
    return quote(text_of(value), safe="")


def _batch(value: Any, columns: int, fill: Any = None) -> list[list[Any]]:
    items = _items(value)
    if not 1 <= columns <= MAX_COLUMNS:
        raise NotPlainDataError(f"batch takes 1 to {MAX_COLUMNS} columns")
    rows = [items[start : start + columns] for start in range(0, len(items), columns)]
    if rows and fill is not None:
        rows[-1] += [fill] * (columns - len(rows[-1]))
    return rows


def _text(function: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: function(text_of(value))


def _charged(function: Callable[..., Any], wants_context: bool = False) -> Callable[..., Any]:
    """Charge a filter for its input and limit the size of its output."""

    @pass_context
    def run(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        kind = type(value)
        if kind is str:
            charge_budget(context, 1 + len(value) // 64)
        elif kind is list or kind is tuple or kind is dict:
            charge_budget(context, 1 + len(value))
        else:
            charge_budget(context, 1)
        if wants_context:
            return function(context, value, *args, **kwargs)
        result = function(value, *args, **kwargs)
        if type(result) is str and len(result) > MAX_TEXT_LENGTH:
            raise RenderLimitError(f"a text grows beyond {MAX_TEXT_LENGTH} characters")
        return result

    return run


def _money(context: Context, value: Any, currency: Any = None) -> str:
    if not currency:  # not given, or missing in the event: use the store's
        currency = context.parent.get("store", {}).get("currency") or Missing(name="currency")
    return formats.money(text_of(value), text_of(currency), context.parent[LOCALE])


def _number(context: Context, value: Any) -> str:
    return formats.number(text_of(value), context.parent[LOCALE])


def _date(context: Context, value: Any, width: formats.Width = "long", calendar: Any = None) -> str:
    if width not in formats.WIDTHS:
        raise NotPlainDataError(f"date takes one of {', '.join(formats.WIDTHS)}")
    if calendar not in (None, "gregorian", "persian", "islamic"):
        raise NotPlainDataError("the calendar of a date is gregorian, persian or islamic")
    zone = (context.parent.get("contact") or {}).get("timezone")
    return formats.moment(text_of(value), width, context.parent[LOCALE], zone, calendar)


def _sort(
    context: Context, value: Any, reverse: bool = False, attribute: str | None = None
) -> list[Any]:
    charge_budget(context, 4 * len(_items(value)))
    return do_sort(context.environment, _items(value), reverse, False, attribute)


def _unique(context: Context, value: Any, attribute: str | None = None) -> list[Any]:
    return list(do_unique(context.environment, _items(value), False, attribute))


def _truncate(context: Context, value: Any, length: int = 255, end: str = "…") -> str:
    return do_truncate(context.environment, text_of(value), max(length, len(end)), False, end, 0)


def _dictsort(value: Any, by: Any = "key", reverse: bool = False) -> list[Any]:
    if type(value) is not dict:
        raise NotPlainDataError("dictsort needs a group of values")
    return do_dictsort(value, False, by, reverse)


TEMPLATE_FILTERS: dict[str, Callable[..., Any]] = {
    "money": _charged(_money, wants_context=True),
    "number": _charged(_number, wants_context=True),
    "date": _charged(_date, wants_context=True),
    "default": _charged(_default),
    "d": _charged(_default),
    "escape": _charged(_unchanged),
    "e": _charged(_unchanged),
    "upper": _charged(_text(str.upper)),
    "lower": _charged(_text(str.lower)),
    "title": _charged(_text(do_title)),
    "capitalize": _charged(_text(str.capitalize)),
    "trim": _charged(_text(str.strip)),
    "truncate": _charged(_truncate, wants_context=True),
    "replace": _charged(_replace),
    "urlencode": _charged(_urlencode),
    "length": _charged(_length),
    "count": _charged(_length),
    "first": _charged(_first),
    "last": _charged(_last),
    "join": _charged(_join),
    "sum": _charged(_sum),
    "round": _charged(_round),
    "int": _charged(_int),
    "float": _charged(_float),
    "sort": _charged(_sort, wants_context=True),
    "unique": _charged(_unique, wants_context=True),
    "batch": _charged(_batch),
    "dictsort": _charged(_dictsort),
}
"""The filters that a template can use, by name."""
