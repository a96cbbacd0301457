"""The links of an e-mail, and a copy whose links lead to the inbox."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from local.ses.events import is_web_link
from local.ses.mail import Mail

NEW_PAGE = ' target="_blank" rel="noopener noreferrer"'
OURS = ("href", "target", "rel")

Attributes = list[tuple[str, str | None]]


@dataclass(slots=True)
class Link:
    """A link, numbered from 1 in reading order."""

    number: int
    url: str
    text: str = ""
    tracked: bool = True
    tags: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Tag:
    start: int
    end: int
    attributes: Attributes
    link: Link


class _Reader(HTMLParser):
    """Collects the `<a href>` elements of a document and their positions."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[_Tag] = []
        self._open: Link | None = None
        self._lines = [0, *(match.end() for match in re.finditer("\n", html))]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        given = dict(attrs)
        url = (given.get("href") or "").strip()
        if tag != "a" or not url:
            return
        link = Link(
            number=len(self.tags) + 1,
            url=url,
            tracked=is_web_link(url) and "ses:no-track" not in given,
            tags=link_tags(given.get("ses:tags") or ""),
        )
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        end = start + len(self.get_starttag_text() or "")
        self.tags.append(_Tag(start, end, attrs, link))
        self._open = link

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.text = " ".join(f"{self._open.text} {data}".split())

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._open = None


def link_tags(text: str) -> dict[str, list[str]]:
    """The tags that SES reports with a click: `name:value` pairs between semicolons."""
    pairs = [pair.partition(":") for pair in text.split(";") if ":" in pair]
    return {name.strip(): [value.strip()] for name, _, value in pairs}


def links_of(mail: Mail) -> list[Link]:
    """The links of the HTML part. SES tracks none in the text part."""
    return [tag.link for tag in _Reader(mail.html).tags]


def with_links_to(html: str, address: Callable[[Link], str | None]) -> str:
    """The HTML with each link replaced by `address(link)`; None keeps the link."""
    pieces: list[str] = []
    position = 0
    for tag in _Reader(html).tags:
        kept = [(name, value) for name, value in tag.attributes if name not in OURS]
        shown = "".join(
            f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in kept
        )
        target = address(tag.link) or tag.link.url
        pieces += [html[position : tag.start], f'<a{shown} href="{escape(target)}"{NEW_PAGE}>']
        position = tag.end
    return "".join([*pieces, html[position:]])
