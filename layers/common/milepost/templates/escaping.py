"""The filters that print a value safely at its place. Only the compiler uses them.

They escape values, limit addresses to safe schemes, and isolate text of the other direction (Anna
in an Arabic sentence), so that it does not reorder the words around it. The environment of the HTML
part escapes everything that is not `Markup`; escaping here too would double the time.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from milepost.templates.sandbox import concat, each, text_of
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
