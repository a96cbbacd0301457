"""Lint: finds errors and possible improvements in a rendered e-mail."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlsplit

from milepost.base.addresses import normalize_email
from milepost.base.problems import Problem
from milepost.outbound.public_addresses import is_public
from milepost.templates.rendering import CLIPPED, Rendered, html_size

CLIP_WARNING_SIZE = CLIPPED * 9 // 10
MAX_SHOWN_LENGTH = 60
"""Characters of a subject that common mail programs show in their lists; phones show fewer."""

_TEMPLATE_BRACES = re.compile(r"\{\{|\}\}|\{%|%\}")
_NOT_IN_URL = re.compile(r"[\s<>\"{}|\\^`]")
_HOST = re.compile(r"(?=.{1,253}$)[^\s.]{1,63}(\.[^\s.]{1,63})+")
_NUMERIC = re.compile(r"[0-9.]+|.*:.*")
_INTERNAL_HOST = re.compile(r"(.*\.)?(localhost|local|internal|test)")
_PHONE = re.compile(r"\+?[0-9().\s-]{3,30}")


class LintFinding(NamedTuple):
    """A finding about an e-mail: `wrong` is an error, the others are advice."""

    problem: Problem
    wrong: bool = True


def lint(mail: Rendered) -> Iterator[LintFinding]:
    """All findings for one language of an e-mail, in the order of its parts."""
    yield from _subject(mail)
    yield from _size(mail)
    reader = _Reader(mail.html)
    for source, alt in reader.images:
        if alt is None:
            remedy = 'write alt="what it shows", or alt="" if it only decorates'
            yield _wrong("pictures", f"{_short(source)} has no alt text", remedy)
        if reason := _broken_picture(source.strip()):
            yield _wrong("pictures", f'"{_short(source)}" {reason}', "")
        elif source.lower().startswith("http:"):
            yield _advice("pictures", f"{_short(source)} comes without encryption", "use https://")
    for link in reader.links:
        yield from _link(link)
    if not mail.text.strip():
        yield _wrong("text", "is empty", "write body.txt")
    for part, text in (("subject", mail.subject), ("text", mail.text)):
        if found := _TEMPLATE_BRACES.search(text):
            yield _wrong(part, f'shows "{found[0]}" to the reader', "a brace too many or too few?")


def links_of(mail: Rendered) -> tuple[str, ...]:
    """The targets of links and pictures of an e-mail, each once."""
    reader = _Reader(mail.html)
    found = [link.target for link in reader.links] + [source for source, _ in reader.images]
    return tuple(dict.fromkeys(url for url in found if url))


def _subject(mail: Rendered) -> Iterator[LintFinding]:
    if len(mail.subject) > MAX_SHOWN_LENGTH:
        reason = f"has {len(mail.subject)} characters, and many lists show {MAX_SHOWN_LENGTH}"
        yield _advice("subject", reason, "say what matters first")
    if not mail.preheader:
        reason = "is missing: inboxes show the first words of the mail instead"
        yield _advice("preheader", reason, "write preheader.txt")


def _size(mail: Rendered) -> Iterator[LintFinding]:
    size = html_size(mail.html)
    if size > CLIPPED:
        reason = f"comes to {size // 1024} KB, and Gmail clips at {CLIPPED // 1024} KB"
        yield _wrong("html", reason, "show fewer products, or shorten the layout")
    elif size > CLIP_WARNING_SIZE:
        reason = f"comes to {size // 1024} KB of the {CLIPPED // 1024} KB that Gmail shows"
        yield _advice("html", reason, "somebody with more in the cart may get a clipped one")


class Link(NamedTuple):
    """A link and its text as a screen reader speaks it."""

    target: str
    text: str


def _link(link: Link) -> Iterator[LintFinding]:
    target = link.target.strip()
    if reason := broken(target):
        yield _wrong("links", f'"{_short(target)}" {reason}', "")
    elif target.lower().startswith("http:"):
        yield _advice("links", f"{_short(target)} is not encrypted", "use https://")
    if not link.text.strip():
        remedy = "give it words, or its picture an alt text"
        yield _wrong("links", f'"{_short(target)}" says nothing to whoever cannot see it', remedy)


def broken(target: str) -> str:
    """Why a link's address is invalid; empty if it is valid."""
    scheme, colon, rest = target.partition(":")
    match scheme.lower() if colon else "":
        case "http" | "https":
            return _broken_url(target)
        case "mailto":
            address = rest.partition("?")[0]
            return "" if normalize_email(address) else "is no e-mail address"
        case "tel":
            return "" if _PHONE.fullmatch(rest) else "is no telephone number"
        case "cid":
            return "" if rest else "names no part of the mail"
        case _:
            if target in {"", "#"}:
                return "leads nowhere"
            return "" if target.startswith("#") else "is no whole address: write it with https://"


def _broken_picture(source: str) -> str:
    """Why a picture's address is invalid; empty if it is valid."""
    if source.lower().startswith(("https:", "http:", "cid:")):
        return broken(source)
    return "is no whole address: write it with https://" if source else "shows nothing"


def _broken_url(target: str) -> str:
    if found := _NOT_IN_URL.search(target):
        return "holds a space" if found[0].isspace() else f"holds {found[0]}, which no address may"
    try:
        split = urlsplit(target)
        host, _ = split.hostname or "", split.port
    except ValueError:
        return "is no address"
    if "@" in split.netloc:
        return "holds a user name, which mail programs warn of"
    if _INTERNAL_HOST.fullmatch(host) or (_NUMERIC.fullmatch(host) and not is_public(host)):
        return "leads to a machine that readers cannot reach"
    return "" if _HOST.fullmatch(host) else "has no host"


class _Reader(HTMLParser):
    """Collects pictures with their alt text, and links with their text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.images: list[tuple[str, str | None]] = []
        self.links: list[Link] = []
        self._open: list[str] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "img":
            alt = (attributes["alt"] or "") if "alt" in attributes else None
            self.images.append((attributes.get("src") or "", alt))
            self._add_text(alt or "")
        elif tag == "a" and "href" in attributes:
            self._open = [
                attributes["href"] or "",
                attributes.get("aria-label") or attributes.get("title") or "",
            ]
        elif tag == "area" and "href" in attributes:
            self.links.append(Link(attributes["href"] or "", attributes.get("alt") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            target, *text = self._open
            self.links.append(Link(target, "".join(text)))
            self._open = None

    def handle_data(self, data: str) -> None:
        self._add_text(data)

    def _add_text(self, text: str) -> None:
        if self._open is not None:
            self._open.append(text)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def _wrong(place: str, reason: str, remedy: str) -> LintFinding:
    return LintFinding(Problem(place, reason, remedy))


def _advice(place: str, reason: str, remedy: str) -> LintFinding:
    return LintFinding(Problem(place, reason, remedy), wrong=False)
