"""The findings about a rendered mail, and the page that shows it."""

import pytest

from milepost.templates.rendering import Rendered
from milepost_tools.preview.lint import broken, lint
from milepost_tools.preview.page import in_scheme, index_page
from milepost_tools.preview.preview import Preview


def mail(body: str = "<p>Hello</p>", **changes: str) -> Rendered:
    usual = Rendered("Hello", "Good news", f"<html><body>{body}</body></html>", "Hello", "en", "1")
    return usual._replace(**changes)


def said(mail: Rendered) -> list[str]:
    return [f"{'wrong' if r.wrong else 'advice'}: {r.problem}" for r in lint(mail)]


def test_good_mail_has_no_findings() -> None:
    link = '<a href="https://shop.example/?a=1&amp;b=%20">Shop</a>'
    assert said(mail(f'{link}<img src="https://i.example/a" alt="">')) == []


@pytest.mark.parametrize(
    ("body", "remark"),
    [
        (
            '<img src="https://i.example/a.png">',
            "wrong: pictures: https://i.example/a.png has no alt text "
            '(write alt="what it shows", or alt="" if it only decorates)',
        ),
        (
            '<img src="http://i.example/a.png" alt="A lamp">',
            "advice: pictures: http://i.example/a.png comes without encryption (use https://)",
        ),
        (
            '<a href="https://shop.example"><img src="https://i.example/a" alt=""></a>',
            'wrong: links: "https://shop.example" says nothing to whoever cannot see it (give it '
            "words, or its picture an alt text)",
        ),
        (
            '<a href="http://shop.example">Shop</a>',
            "advice: links: http://shop.example is not encrypted (use https://)",
        ),
        (
            '<img src="logo.png" alt="">',
            'wrong: pictures: "logo.png" is no whole address: write it with https://',
        ),
        ('<img alt="A lamp">', 'wrong: pictures: "" shows nothing'),
        (
            '<img src="https://shop/a.png" alt="">',
            'wrong: pictures: "https://shop/a.png" has no host',
        ),
        ('<a href="#">Shop</a>', 'wrong: links: "#" leads nowhere'),
    ],
)
def test_missing_part_of_body_is_reported(body: str, remark: str) -> None:
    assert said(mail(body)) == [remark]


def test_image_alt_text_counts_as_link_text() -> None:
    body = '<a href="https://shop.example"><img src="https://i.example/a" alt="Our shop"></a>'
    assert said(mail(body)) == []
    assert said(mail('<a href="https://shop.example" aria-label="Shop">&nbsp;</a>')) == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("https://shop.example/a?b=c#d", ""),
        ("https://xn--bcher-kva.example/", ""),
        ("https://bücher.example/", ""),
        ("https://10.shop.example/", ""),
        ("mailto:help@shop.example?subject=a", ""),
        ("tel:+43 1 23 45", ""),
        ("#top", ""),
        ("cid:logo", ""),
        ("", "leads nowhere"),
        ("/cart", "is no whole address: write it with https://"),
        ("shop.example", "is no whole address: write it with https://"),
        ("javascript:alert(1)", "is no whole address: write it with https://"),
        ("https://", "has no host"),
        ("https://shop", "has no host"),
        ("https://shop..example", "has no host"),
        ("https://shop.example:port/", "is no address"),
        ("https://[shop.example/", "is no address"),
        ("https://shop.example/a b", "holds a space"),
        ("https://shop.example/{{id}}", "holds {, which no address may"),
        ("https://shop.example@evil.example/", "holds a user name, which mail programs warn of"),
        ("http://localhost:8000/", "leads to a machine that readers cannot reach"),
        ("https://192.168.0.1/", "leads to a machine that readers cannot reach"),
        ("https://shop.local/", "leads to a machine that readers cannot reach"),
        ("mailto:nobody", "is no e-mail address"),
        ("tel:call us", "is no telephone number"),
        ("cid:", "names no part of the mail"),
    ],
)
def test_broken_link_is_found_by_its_spelling(target: str, reason: str) -> None:
    assert broken(target) == reason


def test_gmail_size_limit_is_reported_near_and_above() -> None:
    assert said(mail("x" * 91 * 1024)) == []
    (nearly,) = said(mail("x" * 93 * 1024))
    assert nearly.startswith("advice: html: comes to 93 KB of the 102 KB")
    (clipped,) = said(mail("é" * 52 * 1024))
    assert clipped.startswith("wrong: html: comes to 104 KB, and Gmail clips at 102 KB")


def test_subject_preheader_and_text_are_checked() -> None:
    assert said(mail(subject="a" * 61))[0].startswith("advice: subject: has 61 characters")
    assert said(mail(preheader=""))[0].startswith("advice: preheader: is missing")
    assert said(mail(text=" \n")) == ["wrong: text: is empty (write body.txt)"]
    assert said(mail(text="Hello {{ name }}"))[0].startswith(
        'wrong: text: shows "{{" to the reader'
    )


def test_preview_fixes_light_and_dark_styles() -> None:
    html = "@media (prefers-color-scheme: dark) {a} @media (Prefers-Color-Scheme:light) {b}"
    assert in_scheme(html, dark=True) == "@media (min-width: 0px) {a} @media (max-width: 0px) {b}"
    assert in_scheme(html, dark=False) == "@media (max-width: 0px) {a} @media (min-width: 0px) {b}"


def test_mail_content_cannot_run_on_preview_page() -> None:
    evil = '"><script>alert(1)</script>'
    shown = mail(evil, subject=evil, preheader=evil, text=evil)
    page = index_page(evil, [Preview("en", shown, tuple(lint(mail(f'<a href="{evil}">a</a>'))))])
    assert "<script" not in page
    assert page.count("<iframe ") == page.count("<iframe sandbox ") == 4
    assert "default-src 'none'" in page
