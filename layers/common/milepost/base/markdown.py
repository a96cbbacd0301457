"""Write untrusted text into Markdown and Mermaid pictures, so that it cannot inject markup."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import category

from milepost.base.times import format_duration, parse_duration

_SAFE_CODE = re.compile(r"[\w./:\[\]-]+", re.ASCII)
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#$@!{}()])")
_ICON = re.compile(r":(?=fa)")
_IN_PICTURE = frozenset(" .,/+-?!'")
_LIST = re.compile(r"\d+\.(?=\s|$)|[+-]+")
_DIRECTION_CHANGES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str) -> str:
    """One line, without control characters and changes of the writing direction."""
    shown = (
        "\ufffd" if category(sign) == "Cs"
        else " " if category(sign) in {"Cc", "Zl", "Zp"} or sign in _DIRECTION_CHANGES
        else sign
        for sign in text
    )  # fmt: skip
    return " ".join("".join(shown).split())


def escaped(text: str) -> str:
    """Text that Markdown shows unchanged, on one line, also in a table cell."""
    shown = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", shown)


def bold(name: str) -> str:
    return f"**{escaped(name)}**"


def code(name: str) -> str:
    """An id or a path as code; a name with other characters as text."""
    return f"`{name}`" if _SAFE_CODE.fullmatch(name) else escaped(name)


def quoted(text: str) -> str:
    return f'"{escaped(text)}"'


def in_picture(text: str, most: int) -> str:
    """Text for a quoted Mermaid label, at most `most` characters.

    All but letters, digits and harmless signs become entity codes like `#34;`. `%`, `{`, `:` and
    the backtick are not harmless: Mermaid searches the whole source for directives, comments and
    styles before it reads a label. It then reads the label as Markdown, in which `1. big` and
    `- big` are lists, and last searches the decoded text for icons (`fa:fa-car`), which a
    zero-width space breaks up.
    """
    line = plain(text)
    if len(line) > most:
        line = line[: most - 1] + "…"
    line = _ICON.sub(":\u200b", line)
    list_mark = _LIST.match(line)
    risky = list_mark.end() if list_mark else 0
    return "".join(
        sign
        if category(sign)[0] in "LMN" or (sign in _IN_PICTURE and place >= risky)
        else f"#{ord(sign)};"
        for place, sign in enumerate(line)
    )


def listed(parts: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *others, final = parts
    return f"{', '.join(others)} {last} {final}" if others else final


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def value(given: Any) -> str:
    """A value of a file: whole numbers without decimals, texts in quotes, a path as code."""
    match given:
        case None:
            return "nothing"
        case bool():
            return "true" if given else "false"
        case float() if given.is_integer() and abs(given) < 1e15:
            return str(int(given))
        case int() | float():
            return str(given)
        case str():
            return quoted(given)
        case {"from": str() as place, **rest} if not rest:
            return f"what is in {code(place)}"
        case _:
            return escaped(json.dumps(given, ensure_ascii=False))


def pairs(given: Mapping[str, Any]) -> str:
    """`name` = value, for each."""
    return listed([f"{code(name)} = {value(each)}" for name, each in given.items()])


def describe_duration(duration: str) -> str:
    """A duration of a file in words; `PT4H` and `4 hours` give the same."""
    return format_duration(parse_duration(duration))


def describe_offset(offset: str | None, point: str) -> str:
    """`3 days before …`."""
    if offset is None:
        return point
    side = "before" if offset.startswith("-") else "after"
    return f"{describe_duration(offset.removeprefix('-'))} {side} {point}"


def clock(zone: str | None, default: str) -> str:
    """The clock on which a time of day is read."""
    named = zone or default
    if named in {"contact", "store"}:
        return f"the {named}'s clock"
    return f"the clock of {code(named)}"


def share(part: int, whole: int) -> str:
    """A percentage with at most one decimal."""
    return f"{100 * part / whole:.1f}".removesuffix(".0") + "%"


def listed_names(names: Sequence[str], last: str = "or") -> str:
    return listed([bold(name) for name in names], last)
