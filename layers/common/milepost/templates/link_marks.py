"""Prepare the links of a template for UTM parameters: placed at publish, decided at send.

Only the send knows whether an address is the store's own, and the name of the campaign. So publish
puts a call into every link: `_visit` around an address that is one value, or `_mark` after an
address of several parts, before its fragment.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from milepost.templates.source import SourcePiece

_ANCHOR = re.compile(
    r"<(?:a|area)\s(?:[^>\"']|\"[^\"]*\"|'[^']*')*?(?<=[\s\"'])href\s*=\s*(\"[^\"]*\"|'[^']*')",
    re.IGNORECASE,
)
_STAND_IN = re.compile(r"jq(\d{4})qj")
_FRAGMENT = re.compile(r"(?<!&)#")  # and not that of &#39;
_WEB = re.compile(r"https?://", re.IGNORECASE)
_OPEN, _CLOSE = "\ue010", "\ue011"
_CALL_PLACEHOLDER = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


class LinkMark(NamedTuple):
    """The position of a call in an address, and the call."""

    at: int
    call: str


def mark_of(address: str, pieces: Sequence[SourcePiece]) -> LinkMark | None:
    """The call after an address with stand-ins; None for a single value, or if not a web page."""
    first = _STAND_IN.match(address)
    if first and first.end() == len(address):
        return None
    if not first and not _WEB.match(address):
        return None
    fragment = _FRAGMENT.search(address)
    end = fragment.start() if fragment else len(address)
    fixed = repr(_STAND_IN.sub("", address[:end]).replace("&amp;", "&"))
    if first:
        fixed = f"({pieces[int(first[1])].source})|_link ~ {fixed}"
    return LinkMark(end, f"{{{{ ({fixed})|_mark }}}}")


def single(address: str) -> int | None:
    """The number of the piece if it is the whole address."""
    stand_in = _STAND_IN.fullmatch(address)
    return int(stand_in[1]) if stand_in else None


class LinkMarks:
    """The links of one HTML document: `whole` are the pieces that are a complete link."""

    def __init__(self, pieces: Sequence[SourcePiece]) -> None:
        self.whole: set[int] = set()
        self._pieces = pieces
        self._calls: list[str] = []

    def marked(self, html: str) -> str:
        """The document with a placeholder in every address that gets a call."""
        return _ANCHOR.sub(self._anchor, html)

    def called(self, source: str) -> str:
        """The finished source with the calls in place of the placeholders."""
        calls = dict(enumerate(self._calls))
        return _CALL_PLACEHOLDER.sub(lambda placeholder: calls.get(int(placeholder[1]), ""), source)

    def _anchor(self, anchor: re.Match[str]) -> str:
        address = anchor[1][1:-1]
        begin = anchor.start(1) - anchor.start() + 1
        if (number := single(address.strip())) is not None:
            self.whole.add(number)
        if not (mark := mark_of(address, self._pieces)):
            return anchor[0]
        self._calls.append(mark.call)
        at = begin + mark.at
        return f"{anchor[0][:at]}{_OPEN}{len(self._calls) - 1}{_CLOSE}{anchor[0][at:]}"
