from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.pages.layout import invalid_link_page
from milepost.pages.unsubscribe_html import TEXTS, done_page, question_page


@dataclass(frozen=True)
class Page:
    store_name: str = "Harborline"
    topic_title: str = "Offers"
    locale: str = "en"


class Outline(HTMLParser):
    """The tags and the text of a page; fails on markup that does not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


LOCALES = ["en", "ar", "fa", "zh-Hant", "zh-CN", "de", "", "x" * 500, '"><script>', "\ud800"]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_is_valid_and_has_language(locale: str) -> None:
    opened = Page(locale=locale)
    for page in (question_page(opened), done_page(opened, "topic"), done_page(opened, "all")):
        assert Outline(page).tags[:3] == ["html", "head", "meta"]
        assert "Harborline" in page
        lang = page.partition('lang="')[2].partition('"')[0]
        assert lang in {"en", "ar", "fa", "zh-Hant"}
        assert f'dir="{"rtl" if lang in {"ar", "fa"} else "ltr"}"' in page


def test_every_language_has_all_texts() -> None:

    for texts in TEXTS.values():
        assert texts.keys() == TEXTS["en"].keys()
        assert all("{store}" in texts[key] for key in ("explain", "done_topic", "done_all"))
        assert all("{topic}" in texts[key] for key in ("explain", "done_topic"))


def test_question_page_has_two_buttons_and_no_other_links() -> None:
    page = question_page(Page())
    outline = Outline(page)
    assert outline.tags.count("button") == 2
    assert '<form method="post">' in page, "without an action it posts to its own address"
    assert 'name="scope" value="topic"' in page
    assert 'name="scope" value="all"' in page


def test_done_page_shows_result() -> None:
    assert "no more e-mails about" in done_page(Page(), "topic")
    assert "no more marketing e-mails" in done_page(Page(), "all")
    assert "Offers" not in done_page(Page(), "all")


def test_invalid_link_page_reveals_nothing() -> None:
    assert Outline(invalid_link_page()).text.startswith("This link does not work")


@given(st.text(), st.text(), st.sampled_from(LOCALES))
def test_names_are_escaped(store: str, topic: str, locale: str) -> None:
    opened = Page(store, topic, locale)
    plain = Outline(question_page(Page(locale=locale)))
    outline = Outline(question_page(opened))
    assert outline.tags == plain.tags
    assert outline.attributes == plain.attributes
