"""Derive the plain text part from the HTML of a template, at publish.

Stand-ins for Jinja (see `markup.py`) stay in place, so that loops and conditions apply to the text
as well.
"""

import re
from html.parser import HTMLParser

ADDRESS_BEGINS, ADDRESS_ENDS = "\ue000", "\ue001"
"""The marks around every address in a derived text; `markup.restore` uses them."""

GAP = "\ue002"
"""The mark between table cells: a space, unless a condition leaves a cell empty. See `tidy`."""

_LINE, _PARAGRAPH = "\ue003", "\ue004"  # at least one line break, at least two

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "dl", "dt",
     "footer", "form", "header", "hr", "li", "main", "nav", "ol", "pre", "section", "tr"}
)  # fmt: skip
_PARAGRAPHS = frozenset({"div", "h1", "h2", "h3", "h4", "h5", "h6", "p", "table", "ul"})
_CELLS = frozenset({"td", "th"})
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_SILENT = frozenset({"head", "script", "style", "title"})
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all")
_BUTTON = re.compile(r"display\s*:\s*(inline-)?block")
_SPACES = re.compile(f"[ \\t{GAP}]+")
_BREAKS = re.compile(f"[ {GAP}]*[\n{_LINE}{_PARAGRAPH}][ \n{GAP}{_LINE}{_PARAGRAPH}]*")
_COMMENT_STAND_IN = re.compile(r"jq\d{4}qj")


class _TextExtractor(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0
        self.open: list[bool] = []
        self.link: tuple[str, bool, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        style = attributes.get("style", "")
        hides = tag in _SILENT or bool(_HIDDEN.search(style)) or "hidden" in attributes
        if tag not in _VOID:
            self.open.append(hides)
            self.silent += hides
        if self.silent:
            return
        if tag == "a" and attributes.get("href", "#") != "#":
            self.link = attributes["href"], bool(_BUTTON.search(style)), len(self.parts)
        elif tag == "li":
            self.parts.append(f"{_LINE}- ")
        elif tag in _CELLS:
            self.parts.append(GAP)
        else:
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or not self.open:
            return
        hid = self.open.pop()
        self.silent -= hid
        if hid or self.silent:
            return
        if tag == "a" and self.link:
            address, button, start = self.link
            self.link = None
            label = " ".join("".join(self.parts[start:]).split())
            if label and label != address:
                address = f"{ADDRESS_BEGINS}{address}{ADDRESS_ENDS}"
                self.parts.append(f":\n{address}\n" if button else f": {address} ")
            elif label:
                self.parts.append(" ")
        else:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))

    def handle_comment(self, data: str) -> None:
        if _COMMENT_STAND_IN.fullmatch(data) and not self.silent:
            self.parts.append(f"<!--{data}-->")

    def _break(self, tag: str) -> None:
        if tag == "br":
            self.parts.append("\n")
        elif tag in _PARAGRAPHS:
            self.parts.append(_PARAGRAPH)
        elif tag in _BLOCKS:
            self.parts.append(_LINE)


def derive_text(html: str) -> str:
    """Convert an e-mail's HTML to plain text: `label: address` for links, a line per table row.

    Addresses are between ADDRESS_BEGINS and ADDRESS_ENDS, cells after GAP. Images and hidden
    elements are left out. There is at most one blank line in a row.
    """
    extractor = _TextExtractor()
    extractor.feed(html)
    extractor.close()
    text = "".join(extractor.parts).replace("\xa0", " ")
    text = _SPACES.sub(lambda run: GAP if GAP in run[0] else " ", text)
    text = _BREAKS.sub(lambda run: "\n\n" if _PARAGRAPH in run[0] else "\n", text)
    # A statement alone on its line takes the line break with it, as trim_blocks would.
    text = re.sub(rf"\n((?:<!--jq\d{{4}}qj-->[ {GAP}]?)+)(?=\n)", r"\1", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def tidy(text: str) -> str:
    """Finish a text part after its values are in: no stray spaces, no two blank lines in a row."""
    # Line by line, because regular expressions would stop at every single space of a long text.
    gaps = GAP in text
    lines: list[str] = []
    for line in text.split("\n"):
        shown = line
        if gaps:
            if GAP in line:
                shown = shown.replace(GAP, " ")
            if "\t" in shown:
                shown = shown.replace("\t", " ")
            while "  " in shown:
                shown = shown.replace("  ", " ")
            shown = shown.strip(" ")
        if shown.strip(" \t") or (lines and lines[-1]):
            lines.append(shown if shown.strip(" \t") else "")
    return "\n".join(lines).strip() + "\n"
