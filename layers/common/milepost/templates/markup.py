"""Convert MJML or HTML with Jinja to e-mail HTML with the same Jinja.

The MJML compiler and the style inliner read HTML and do not know Jinja: they would escape it, move
it out of tables or drop it. So every piece of Jinja is replaced by a stand-in, a comment between
elements and a word everywhere else, and is put back afterwards. A stand-in that is lost or changes
its order is a problem at publish. The place of a stand-in in the result decides which filter prints
its value.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape, unescape

from milepost.base.languages import Direction
from milepost.base.problems import Problem
from milepost.templates.html_cursor import Cursor
from milepost.templates.htmltext import ADDRESS_BEGINS, ADDRESS_ENDS
from milepost.templates.link_marks import LinkMarks, mark_of
from milepost.templates.source import SourcePiece

_URL_ATTRIBUTES = frozenset(
    {
        "href",
        "src",
        "background",
        "action",
        "formaction",
        "poster",
        "cite",
        "data",
        "longdesc",
        "xlink:href",
    }
)

_SAFE_BEGINNING = re.compile(r"https?://[^/?#{]+[/?#]|mailto:|tel:|\{\{", re.IGNORECASE)
_ADDRESS_SO_FAR = re.compile(r"(?:https?://|mailto:|\{\{[/?#])", re.IGNORECASE)
_SAFE_ADDRESS = re.compile(r"https?://|mailto:|tel:|#|jq\d{4}qj", re.IGNORECASE)
_FIXED_LINK = re.compile(
    r"\s(href|src|background|action|formaction|poster)\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE
)
_MAX_PIECES = 9999
_STAND_IN = re.compile(r"<!--(jq\d{4}qj)-->|(jq\d{4}qj)")
_CONDITIONAL = re.compile(r"<!--\[if [^\]]*\]>(?:(?!<!\[endif\]-->).)*<!\[endif\]-->", re.DOTALL)
_COMMENT = re.compile(r"<!--(?!\[if|<!\[endif|>|jq\d{4}qj-->).*?-->", re.DOTALL)


@dataclass(slots=True)
class MaskedTemplate:
    """A document with stand-ins in place of its Jinja, and the `problems` found so far."""

    text: str = ""
    pieces: list[SourcePiece] = field(default_factory=list)
    between: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    origins: list[SourcePiece] = field(default_factory=list)

    def place(self, offset: int) -> str:
        index = max(bisect_right(self.starts, offset) - 1, 0)
        piece = self.origins[index]
        if not piece.line:
            return piece.file
        return f"{piece.file}:{piece.line + self.text[self.starts[index] : offset].count(chr(10))}"


def mask_jinja(pieces: list[SourcePiece]) -> MaskedTemplate:
    """Replace Jinja by stand-ins, and report it where HTML allows no stand-in."""
    masked = MaskedTemplate()
    cursor = Cursor()
    out: list[str] = []
    size = 0
    for piece in pieces:
        masked.starts.append(size)
        masked.origins.append(piece)
        if piece.kind in ("text", "words"):
            text = piece.source if piece.kind == "text" else escape(piece.source)
            if "jq" in text and _STAND_IN.search(text):
                masked.problems.append(Problem(piece.place, "holds a reserved word (jq…qj)"))
        else:
            number = len(masked.pieces)
            masked.pieces.append(piece)
            text = f"jq{number:04}qj"
            if cursor.state == "tag":
                masked.problems.append(
                    Problem(
                        piece.place,
                        "Jinja cannot stand inside a tag, outside the quotes of an attribute",
                        "put the condition around the element or inside the quotes",
                    )
                )
            elif cursor.state == "value" and not cursor.quote:
                masked.problems.append(
                    Problem(piece.place, f"{cursor.attribute}= has no quotes", 'write ="…"')
                )
            if piece.kind == "statement" and cursor.state == "text":
                masked.between.add(number)
                text = f"<!--{text}-->"
        cursor.read(text)
        out.append(text)
        size += len(text)
    masked.text = "".join(out)
    if len(masked.pieces) > _MAX_PIECES:
        reason = f"holds more than {_MAX_PIECES} expressions and statements"
        masked.problems.append(Problem(masked.pieces[0].file, reason))
    if script := re.search(r"<script\b", masked.text, re.IGNORECASE):
        masked.problems.append(Problem(masked.place(script.start()), "scripts do not run in mail"))
    return masked


def check_links(masked: MaskedTemplate, html: str) -> list[Problem]:
    """Find fixed addresses that do not work in an e-mail: `javascript:`, `data:`, `/sale`."""
    problems: list[Problem] = []
    for link in _FIXED_LINK.finditer(html):
        address = unescape(link[2].strip())
        if not _SAFE_ADDRESS.match(address):
            place = masked.place(max(masked.text.find(link[2]), 0))
            remedy = "links begin with https://, http://, mailto:, tel: or #"
            problems.append(Problem(place, f'{link[1]}="{address}" leads nowhere', remedy))
    return problems


def unmask_jinja(masked: MaskedTemplate, html: str, direction: Direction) -> str:
    """Put the Jinja back, each expression with the filter for its place.

    Adds problems to `masked` for stand-ins that are lost, moved, or where no value is safe.
    """
    html = _COMMENT.sub("", html)
    for conditional in _CONDITIONAL.finditer(html):
        for number_lost in re.findall(r"<!--jq(\d{4})qj-->", conditional[0]):
            masked.problems.append(
                Problem(
                    masked.pieces[int(number_lost)].place,
                    "stands between rows that Outlook needs together",
                    "put the statement around <mj-wrapper>, or inside <mj-section>",
                )
            )
    masked.problems += check_links(masked, html)
    links = LinkMarks(masked.pieces)
    html = links.marked(html)
    cursor = Cursor()
    out: list[str] = []
    order: list[int] = []
    restored: set[int] = set()
    position = 0
    for stand_in in _STAND_IN.finditer(html):
        static = html[position : stand_in.start()]
        position = stand_in.end()
        cursor.read(static)
        out.append(_break_jinja(static))
        number = int((stand_in[1] or stand_in[2])[2:6])
        piece = masked.pieces[number]
        restored.add(number)
        if piece.kind == "statement":
            if stand_in[1]:
                order.append(number)
            elif cursor.state == "value":
                cursor.value += "{%"
                if cursor.attribute in _URL_ATTRIBUTES:
                    masked.problems.append(
                        Problem(
                            piece.place,
                            f"a statement cannot stand inside {cursor.attribute}",
                            'write {{ a if b else "https://…" }}',
                        )
                    )
            out.append(jinja(piece, ""))
        else:
            name = _filter_for(cursor, piece, direction, masked.problems)
            out.append(jinja(piece, "_visit" if number in links.whole else name))
            cursor.value += "{{"
    cursor.read(html[position:])
    out.append(_break_jinja(html[position:]))
    for number, piece in enumerate(masked.pieces):
        if number not in restored:
            masked.problems.append(
                Problem(
                    piece.place,
                    f"{piece.source!r} got lost: no Jinja is possible at this place",
                    "sizes are computed at publish, comments and unknown attributes are dropped",
                )
            )
    if order != sorted(masked.between) and not masked.problems:
        wrong = next((a for a, b in zip(order, sorted(masked.between), strict=False) if a != b), 0)
        masked.problems.append(
            Problem(
                masked.pieces[wrong].place,
                "was moved by the MJML compiler",
                "put the statement between whole elements, or inside <mj-raw>",
            )
        )
    return links.called("".join(out))


def _break_jinja(static: str) -> str:
    """Break sequences in the remaining text that Jinja would read, such as `{#` in styles."""
    return static.replace("{#", "{ #").replace("{%", "{ %").replace("{{", "{ {")


def _filter_for(
    cursor: Cursor, piece: SourcePiece, direction: Direction, problems: list[Problem]
) -> str:
    if cursor.state == "text":
        return f"_html_{direction}"
    if cursor.state == "raw" and cursor.tag in ("title", "textarea"):
        return f"_attribute_{direction}"
    if cursor.state == "raw" and cursor.tag == "style":
        return "_style"
    if cursor.state != "value":
        where = f"inside <{cursor.tag}>" if cursor.state == "raw" else f"inside a {cursor.state}"
        problems.append(Problem(piece.place, f"a value cannot be printed safely {where}"))
        return "_style"
    if cursor.attribute in _URL_ATTRIBUTES:
        if not cursor.value.strip():
            return "_link"
        if not _SAFE_BEGINNING.match(cursor.value.strip()):
            problems.append(
                Problem(
                    piece.place,
                    f"{cursor.attribute} must begin with the value or with https://host/",
                )
            )
        return "_link_part"
    if cursor.attribute == "style":
        return "_style_link" if re.search(r"url\([^)]*$", cursor.value) else "_style"
    if cursor.attribute.startswith("on") or cursor.attribute in ("srcdoc", "http-equiv"):
        problems.append(
            Problem(piece.place, f"a value cannot be printed safely inside {cursor.attribute}")
        )
    return f"_attribute_{direction}"


def restore(text: str, pieces: list[SourcePiece], direction: Direction) -> str:
    """Put the Jinja back into a text that `derive_text` made from masked HTML."""

    def put(match: re.Match[str], name: str) -> str:
        piece = pieces[int((match[1] or match[2])[2:6])]
        return jinja(piece, name)

    def address(match: re.Match[str]) -> str:
        begins, mark = _STAND_IN.match(match[1]), mark_of(match[1], pieces)
        head = put(begins, "_link" if mark else "_visit") if begins else ""
        start, end = begins.end() if begins else 0, mark.at if mark else len(match[1])
        parts = [
            _STAND_IN.sub(lambda inner: put(inner, "_link_part"), part)
            for part in (match[1][start:end], match[1][end:])
        ]
        return head + (mark.call if mark else "").join(parts)

    text = re.sub(f"{ADDRESS_BEGINS}(.*?){ADDRESS_ENDS}", address, text, flags=re.DOTALL)
    return _STAND_IN.sub(lambda match: put(match, f"_plain_{direction}"), text)


def plain_source(pieces: Iterable[SourcePiece], direction: Direction, escaped: bool = False) -> str:
    """The Jinja source of a plain text part, or of a piece of HTML text.

    A value that continues an address, as in `https://host/{{ id }}`, is encoded and not isolated.
    """
    out: list[str] = []
    word = ""
    for piece in pieces:
        if piece.kind in ("text", "words"):
            out.append(escape(piece.source) if escaped else piece.source)
            word = (word + piece.source).rpartition(" ")[2].rpartition("\n")[2]
        else:
            name = "_link_part" if _ADDRESS_SO_FAR.match(word) else f"_plain_{direction}"
            out.append(jinja(piece, f"_html_{direction}" if escaped else name))
            word += "{{" if piece.kind == "output" else ""
    return "".join(out)


def jinja(piece: SourcePiece, filter_name: str) -> str:
    """A piece as Jinja source, an expression with the filter that prints it."""
    if piece.kind == "statement":
        return f"{{% {piece.source} %}}"
    return f"{{{{ ({piece.source})|{filter_name} }}}}"
