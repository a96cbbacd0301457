# ruff: noqa: E501 -- tables of cases, some in Arabic digits
"""Rendering a compiled template: languages, missing values, and the limits of the sandbox."""

import re
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.numbers import format_currency
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.base import languages
from milepost.templates.compile import compile_template
from milepost.templates.formats import moment, money, number
from milepost.templates.hijri import to_hijri
from milepost.templates.jalali import to_jalali
from milepost.templates.rendering import Rendered, Renderer, RenderingError, one_line, plain
from milepost.templates.version import CODE_MAGIC, TemplateVersion, Variant, compress_part

STORE = {
    "name": "Northwind",
    "url": "https://shop.example/",
    "postal_address": "12 Harbor Street",
    "logo_url": "",
    "currency": "USD",
}


def context(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "contact": {"first_name": "Anna", "email": "anna@example.com", "timezone": "Asia/Tehran"},
        "event": {"name": "Checkout Started", "total": "140.50", "currency": "USD"},
        "store": STORE,
        "urls": {"unsubscribe": "https://api.example/u/token"},
        "steps": {},
        "now": "2026-11-22T22:00:00.000Z",
    }
    return whole | changes


def version(
    body: str, subject: str = "Hello", text: str | None = None, **files: str
) -> TemplateVersion:
    folder = {"subject.txt": subject, "body.html": body, **files}
    if text is not None:
        folder["body.txt"] = text
    locales = [key.split(".")[1] for key in files if key.startswith("strings.")]
    made = compile_template("test/mail", folder, {}, "en", locales)
    assert isinstance(made, TemplateVersion), made
    return made


def render(body: str, locale: str | None = "en", **given: Any) -> Rendered:
    files = {key: given.pop(key) for key in ("subject", "text") if key in given}
    return Renderer(version(body, **files)).render(context(**given), locale)


def body_of(html: str) -> str:
    return html[html.index("<body") :]


# --- values


def test_missing_value_is_error_with_its_name() -> None:
    with pytest.raises(RenderingError, match=r"test/mail \(html\): event.shipping.city is missing"):
        render("<p>{{ event.shipping.city }}</p>")


def test_null_is_a_missing_value() -> None:
    with pytest.raises(RenderingError, match=r"event\.total is missing"):
        render("<p>{{ event.total }}</p>", event={"total": None})


def test_missing_value_is_false_and_has_default_at_any_depth() -> None:
    mail = render(
        "<p>{% if event.customer.vip %}VIP{% else %}plain{% endif %} "
        "{{ event.customer.city | default('somewhere') }} "
        "{% if event.gift is defined %}gift{% endif %}</p>"
    )
    assert "<p>plain somewhere </p>" in mail.html


def test_default_replaces_empty_text() -> None:
    mail = render(
        "<p>{{ contact.first_name | default('friend') }}</p>", contact={"first_name": " "}
    )
    assert "<p>friend</p>" in mail.html


def test_error_of_missing_value_has_no_contact_data() -> None:
    with pytest.raises(RenderingError) as caught:
        render("<p>{{ event.total | money }}</p>", event={"total": "anna@example.com"})
    assert "anna" not in str(caught.value)
    assert caught.value.reason == "a value is not an amount"


def test_lists_and_booleans_cannot_be_printed() -> None:
    for value in ([1], {"a": 1}, True):
        with pytest.raises(RenderingError, match="cannot be printed"):
            render("<p>{{ event.value }}</p>", event={"value": value})


def test_keys_named_like_methods_are_data() -> None:
    mail = render(
        "<p>{% for i in event.items %}{{ i.keys }}{% endfor %}{{ event.count }}</p>",
        event={"items": [{"keys": "a"}, {"keys": "b"}], "count": 2},
    )
    assert "<p>ab2</p>" in mail.html


def test_context_with_other_than_json_is_rejected() -> None:
    for value in (object(), Decimal(1), b"x", {1, 2}, date(2026, 1, 1), len, type):
        with pytest.raises(RenderingError, match=r"event.products.* is not plain data"):
            render("<p>x</p>", event={"products": {"x": value}})
    with pytest.raises(RenderingError, match="a key is not text"):
        render("<p>x</p>", event={1: "x"})


def test_too_large_context_is_rejected() -> None:
    deep: dict[str, Any] = {}
    deep["again"] = deep
    for event in (deep, {"products": [{"name": "x"}] * 30_000}):
        with pytest.raises(RenderingError, match="more than a mail can hold"):
            render("<p>x</p>", event=event)


def test_too_long_value_is_cut() -> None:
    assert len(plain({"event": {"text": "x" * 1_000_000}})["event"]["text"]) == 20_000


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_cleaning_values_is_idempotent(value: Any) -> None:
    once = plain({"event": {"value": value}})
    assert plain(once) == once
    str(once).encode()  # no half surrogates left


def test_arithmetic_and_list_filters_work() -> None:
    mail = render(
        "<p>{{ event.total | float * 2 }} {{ event.p | sum('price') }} {{ event.p | join('+', 'price') }}"
        " {{ (event.p | sort(attribute='price') | first).price }} {{ event.p | length }}"
        " {{ event.name | upper | replace('CHECKOUT', 'X') | truncate(3) }}"
        " {% for row in event.p | batch(2, 0) %}{{ loop.index }}/{{ loop.length }} {% endfor %}"
        "{% for k, v in event.m | dictsort %}{{ k ~ '=' ~ v }};{% endfor %}</p>",
        event={
            "total": 2,
            "p": [{"price": 3}, {"price": 1.5}, {"price": 2}],
            "m": {"b": 1, "a": 2},
            "name": "Checkout",
        },
    )
    assert "<p>4.0 6.5 3+1.5+2 1.5 3 X 1/2 2/2 a=2;b=1;</p>" in mail.html.replace("'", "")


# --- languages


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("fa-IR", "fa"),
        ("fa", "fa"),
        ("ar-SA", "ar"),
        ("zh-TW", "zh-Hant"),
        ("zh_HK", "zh-Hant"),
        ("zh-CN", "en"),
        ("de", "en"),
        (None, "en"),
        ("", "en"),
        ("nonsense!", "en"),
        ("EN-gb", "en"),
        ("zh-Hant-TW", "zh-Hant"),
    ],
)
def test_best_language_for_locale_is_chosen(wanted: str | None, chosen: str) -> None:
    assert languages.choose(wanted, ["en", "ar", "fa", "zh-Hant"], "en") == chosen


def test_simplified_and_traditional_chinese_are_not_mixed() -> None:
    both = ["en", "zh-Hans", "zh-Hant"]
    assert [languages.choose(tag, both, "en") for tag in ("zh-CN", "zh-SG", "zh", "zh-MO")] == [
        "zh-Hans",
        "zh-Hans",
        "zh-Hans",
        "zh-Hant",
    ]


def test_layout_constants_follow_language() -> None:
    made = version(
        '<div dir="{{ dir }}" lang="{{ lang }}" style="text-align: {{ start }}">'
        "{{ t.hi }}{% if dir == 'rtl' %}!{% endif %}</div>",
        **{"strings.en.json": '{"hi": "Hi"}', "strings.he.json": '{"hi": "שלום"}'},
    )
    right = Renderer(made).render(context(), "he-IL")
    left = Renderer(made).render(context(), "fr")
    assert '<div dir="rtl" lang="he" style="text-align: right">שלום!</div>' in right.html
    assert '<div dir="ltr" lang="en" style="text-align: left">Hi</div>' in left.html
    assert (right.locale, left.locale, right.hash) == ("he", "en", made.hash)


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "shown"),
    [
        ("en", "1234.5", "USD", "$1,234.50"),
        ("en-GB", 3, "GBP", "£3.00"),
        ("en", "-3", "eur", "-€3.00"),
        ("ar", 185, "SAR", "\u200f185.00\xa0ر.س.\u200f"),
        ("ar-SA", 185, "SAR", "\u200f١٨٥٫٠٠\xa0ر.س.\u200f"),
        ("fa", 1250000, "IRT", "۱٬۲۵۰٬۰۰۰\xa0تومان"),
        ("fa-IR", 1200000, "IRR", "۱٬۲۰۰٬۰۰۰\xa0ریال"),
        ("fa", "49.9", "USD", "\u200e$\xa0۴۹٫۹۰"),
        ("zh-Hant", "1480.00", "TWD", "NT$1,480"),
        ("zh-Hant", 5, "USD", "US$5.00"),
        ("hi", 1234567, "INR", "₹12,34,567.00"),
        ("de-CH", "1234.5", "CHF", "CHF\xa01’234.50"),
        ("ja", 1200, "JPY", "¥1,200"),
        ("xx", 1, "USD", "$1.00"),
    ],
)
def test_money_is_formatted_for_locale(
    locale: str, amount: object, currency: str, shown: str
) -> None:
    assert money(amount, currency, locale).replace("￥", "¥") == shown


@settings(deadline=None)
@given(
    st.decimals(min_value=0, max_value=10**9, places=3),
    st.sampled_from(["USD", "EUR", "JPY", "KWD", "SAR", "HKD"]),
    st.sampled_from(
        ["en", "en-IN", "de", "de-CH", "fr", "es", "pl", "pt-PT", "ar", "he", "zh-Hant"]
    ),
)
def test_fast_money_format_matches_babel(amount: Decimal, currency: str, locale: str) -> None:
    babel = format_currency(
        amount, currency, locale=locale.replace("-", "_"), numbering_system="default"
    )
    assert money(str(amount), currency, locale) == babel


def test_invalid_amount_or_currency_is_rejected() -> None:
    for amount in ("twelve", "NaN", "1e400", "", "inf"):
        with pytest.raises(ValueError, match="is not an amount"):
            money(amount, "USD", "en")
    for currency in ("US", "dollars", "<b>"):
        with pytest.raises(ValueError, match="is not a currency"):
            money(1, currency, "en")


def test_money_without_currency_uses_stores() -> None:
    assert "<p>$3.00 $4.00</p>" in render("<p>{{ 3 | money }} {{ 4 | money(event.none) }}</p>").html


def test_numbers_have_digits_of_language() -> None:
    assert [number(12345.5, tag) for tag in ("en", "fa", "ar-EG", "de")] == [
        "12,345.5",
        "۱۲٬۳۴۵٫۵",
        "١٢٬٣٤٥٫٥",
        "12.345,5",
    ]


def test_dates_use_contacts_time_zone_and_calendar() -> None:
    late = "2026-11-22T22:00:00.000Z"
    assert moment(late, "long", "en", None) == "November 22, 2026"
    assert moment(late, "long", "en", "Asia/Tehran") == "November 23, 2026"
    assert moment(late, "full", "fa", "Asia/Tehran") == "دوشنبه ۲ آذر ۱۴۰۵"
    assert moment(late, "short", "fa", "Not/A/Zone") == "۱۴۰۵/۹/۱"
    assert moment("2026-11-22", "long", "zh-Hant", "Asia/Taipei") == "2026年11月22日"
    assert moment("2026-11-22", "long", "ar", None) == "22 نوفمبر 2026"
    assert "<p>November 23, 2026</p>" in render("<p>{{ now | date }}</p>").html


@pytest.mark.parametrize(
    ("gregorian", "jalali"),
    [
        ((2024, 3, 20), (1403, 1, 1)),
        ((2025, 3, 20), (1403, 12, 30)),
        ((2025, 3, 21), (1404, 1, 1)),
        ((2021, 3, 20), (1399, 12, 30)),
        ((1979, 2, 11), (1357, 11, 22)),
        ((2000, 1, 1), (1378, 10, 11)),
        ((1600, 3, 20), (979, 1, 1)),
        ((2026, 9, 22), (1405, 6, 31)),
        ((2026, 9, 23), (1405, 7, 1)),
    ],
)
def test_persian_dates_match_known_days(
    gregorian: tuple[int, int, int], jalali: tuple[int, int, int]
) -> None:
    day = to_jalali(date(*gregorian))
    assert (day.year, day.month, day.day) == jalali


@pytest.mark.parametrize(
    ("gregorian", "hijri"),
    [
        ((1999, 4, 17), (1420, 1, 1)),
        ((2000, 4, 6), (1421, 1, 1)),
        ((2024, 3, 11), (1445, 9, 1)),
        ((2024, 4, 10), (1445, 10, 1)),
        ((2025, 3, 1), (1446, 9, 1)),
        ((2025, 6, 26), (1447, 1, 1)),
        ((2026, 2, 18), (1447, 9, 1)),
        ((2026, 3, 20), (1447, 10, 1)),
        ((2026, 6, 15), (1447, 12, 29)),
        ((2077, 11, 16), (1500, 12, 30)),
        # outside of the printed calendar: the arithmetic calendar
        ((622, 7, 19), (1, 1, 1)),
        ((1900, 1, 1), (1317, 8, 28)),
        ((2100, 1, 1), (1523, 10, 19)),
    ],
)
def test_islamic_dates_match_known_days(
    gregorian: tuple[int, int, int], hijri: tuple[int, int, int]
) -> None:
    assert to_hijri(date(*gregorian)) == hijri


@settings(deadline=None)
@given(st.dates(date(622, 7, 19), date(2200, 1, 1)))
def test_islamic_days_are_consecutive(day: date) -> None:
    today, tomorrow = to_hijri(day), to_hijri(day + timedelta(days=1))
    if day in (date(1999, 4, 16), date(2077, 11, 16)):  # where the calendar in use changes
        return
    if tomorrow.day != 1:
        assert tomorrow == today._replace(day=today.day + 1)
    else:
        assert today.day in (29, 30)
        assert 12 * (tomorrow.year - today.year) + tomorrow.month - today.month == 1


def test_date_filter_takes_calendar() -> None:
    day = "2026-11-22"
    shown = {tag: moment(day, "long", tag, None, "islamic") for tag in ("en", "ar", "fa", "de")}
    assert shown == {
        "en": "Jumada II 12, 1448 AH",
        "ar": "12 جمادى الآخرة 1448 هـ",
        "fa": "۱۲ جمادی‌الثانی ۱۴۴۸ ه‍.ق.",
        "de": "12 Jumada II 1448 AH",
    }
    assert moment(day, "full", "ar-SA", None, "islamic") == "الأحد، ١٢ جمادى الآخرة ١٤٤٨ هـ"
    assert moment(day, "full", "zh-TW", None, "islamic") == "伊斯蘭曆1448年6月12日星期日"
    assert moment(day, "short", "tr", None, "islamic") == "12.6.1448 Hicri"
    assert moment(day, "long", "fa", None, "gregorian") == "۲۲ نوامبر ۲۰۲۶"
    assert moment(day, "long", "en", None, "persian") == "Azar 1, 1405 AP"
    mail = render('<p>{{ now | date("long", "islamic") }} {{ now | date(calendar="persian") }}</p>')
    assert "<p>Jumada II 13, 1448 AH Azar 2, 1405 AP</p>" in mail.html


def test_unknown_calendar_and_too_early_day_are_rejected() -> None:
    for expression, reason in (
        ('now | date("long", event.name)', "gregorian, persian or islamic"),
        ('"0600-01-01" | date("long", "islamic")', "is not a date of the Islamic calendar"),
        ('"0600-01-01" | date("long", "persian")', "is not a date of the Persian calendar"),
    ):
        with pytest.raises(RenderingError, match=reason):
            render(f"<p>{{{{ {expression} }}}}</p>")


def test_names_of_other_direction_are_isolated() -> None:
    strings = {
        "strings.en.json": '{"s": "Hi {{ contact.first_name }}!"}',
        "strings.ar.json": '{"s": "أهلًا {{ contact.first_name }}!"}',
    }
    renderer = Renderer(
        version(
            "{% if contact.first_name %}<p>{{ t.s }}</p>{% endif %}",
            subject="{% if contact.first_name %}{{ t.s }}{% endif %}",
            **strings,
        )
    )
    for locale, name, html, subject in (
        ("en", "Anna", "<p>Hi Anna!</p>", "Hi Anna!"),
        ("en", "سارة", '<p>Hi <span dir="rtl">سارة</span>!</p>', "Hi \u2068سارة\u2069!"),
        ("ar", "سارة", "<p>أهلًا سارة!</p>", "أهلًا سارة!"),
        ("ar", "Anna", '<p>أهلًا <span dir="ltr">Anna</span>!</p>', "أهلًا \u2068Anna\u2069!"),
    ):
        mail = renderer.render(context(contact={"first_name": name}), locale)
        assert html in mail.html
        assert mail.subject == subject


def test_address_in_right_to_left_text_has_no_isolates() -> None:
    renderer = Renderer(
        version(
            '<p><a href="{{ store.url }}">{{ t.s }}</a> <a href="https://x.example/o/{{ event.id }}?a=1">y</a></p>',
            **{"strings.en.json": '{"s": "Go"}', "strings.ar.json": '{"s": "المتجر"}'},
        )
    )
    text = renderer.render(context(event={"id": "A b"}), "ar").text
    assert text == "المتجر: https://shop.example/ y: https://x.example/o/A%20b?a=1\n"


# --- headers


@settings(deadline=None)
@given(st.text(max_size=400))
def test_subject_is_one_line_for_any_name(name: str) -> None:
    renderer = _NAMED_SUBJECT
    subject = renderer.render(context(contact={"first_name": name}), "en").subject
    assert len(subject) <= 255
    assert subject.splitlines() == [subject]
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", subject)
    subject.encode()


_NAMED_SUBJECT = Renderer(version("<p>x</p>", subject="Hi {{ contact.first_name|default('you') }}"))


def test_name_cannot_start_new_header() -> None:
    for name in (
        "Bob\r\nBcc: eve@evil.example",
        "Bob\nX: y",
        "Bob\u2028Bcc: x",
        "Bob\x00\x0bBcc: x",
    ):
        subject = _NAMED_SUBJECT.render(context(contact={"first_name": name}), "en").subject
        assert subject.startswith("Hi Bob")
        assert not set(subject) & set("\r\n\x00\x0b\u2028")


def test_direction_marks_of_template_are_removed_from_subject() -> None:
    assert one_line("a\u202egpj.exe\u202c \u2068b\u2069") == "agpj.exe \u2068b\u2069"


def test_long_subject_is_cut_and_its_isolates_are_closed() -> None:
    line = one_line("\u2068" + "سارة " * 100 + "\u2069")
    assert len(line) <= 255
    assert line.endswith("…\u2069")


def test_empty_subject_is_an_error() -> None:
    with pytest.raises(RenderingError, match=r"\(subject\): it came out empty"):
        render("<p>x</p>", subject="{% if event.none %}Hi{% endif %}")


# --- what a value can do to a mail


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "span":
            self.seen.append(f"{tag} {' '.join(name for name, _ in attrs)}")


def tags(html: str) -> list[str]:
    reader = _Tags()
    reader.feed(html)
    return reader.seen


_EVERYWHERE = Renderer(
    version(
        "<html><head><title>{{ event.v }}</title><style>@media print { p { color: {{ event.v }} } }"
        "</style></head><body><p style=\"color: {{ event.v }}\" title='{{ event.v }}' class='{{ event.v }}'>{{ event.v }}</p>"
        '<a href="{{ event.v }}">a</a><img src="https://i.example/{{ event.v }}.png" alt="{{ event.v }}">'
        '<table><tr><td background="{{ event.v }}" style="background: url(\'{{ event.v }}\')">{{ event.v }}</td></tr></table>'
        "</body></html>"
    )
)


@settings(deadline=None)
@given(
    st.text(st.sampled_from("<>\"'&;:/\\() \n\tabjscript{}%#=-!*"), max_size=40)
    | st.text(max_size=40)
)
def test_no_value_changes_html_structure(value: str) -> None:
    expected = tags(_EVERYWHERE.render(context(event={"v": "x"}), "en").html)
    assert tags(_EVERYWHERE.render(context(event={"v": value}), "en").html) == expected


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>x</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "cid:logo",
        "/relative",
        "shop.example",
        'https://x.example/"onclick=x',
        "https://a b.example",
        "blob:https://x",
        "javascript&#58;alert(1)",
        "&#106;avascript:alert(1)",
        "http:javascript",
        "",
    ],
)
def test_unsafe_address_becomes_hash(address: str) -> None:
    mail = render('<a href="{{ event.link }}">x</a>', event={"link": address})
    assert '<a href="#">' in mail.html


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://x.example/?a=1&b='2'", "https://x.example/?a=1&amp;b=&#39;2&#39;"),
        ("HTTP://x.example", "HTTP://x.example"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("tel:+123", "tel:+123"),
        ("#top", "#top"),
        ("//cdn.example/a.png", "https://cdn.example/a.png"),
        ("https://شال.example/ی", "https://شال.example/ی"),
    ],
)
def test_safe_address_is_kept(address: str, shown: str) -> None:
    assert (
        f'<a href="{shown}">'
        in render('<a href="{{ event.link }}">x</a>', event={"link": address}).html
    )


def test_part_of_address_is_encoded_once() -> None:
    mail = render(
        '<a href="{{ store.url }}?q={{ event.q }}&amp;r={{ event.q | urlencode }}">x</a>',
        event={"q": 'a b&"<ß'},
    )
    assert "https://shop.example/?q=a%20b%26%22%3C%C3%9F&amp;r=a%20b%26%22%3C%C3%9F" in mail.html


def test_value_in_style_cannot_start_other_declaration() -> None:
    mail = render(
        '<p style="color: {{ event.c }}">x</p><p style="background: url(\'{{ event.u }}\')">y</p>',
        event={"c": "red;background:url(https://evil)", "u": "https://x.example/a'b(c)"},
    )
    assert 'style="color: "' in mail.html
    assert "url('https://x.example/a%27b%28c%29')" in mail.html


def test_template_cannot_change_context() -> None:
    given = context(event={"products": [{"name": "a"}]})
    before = repr(given)
    Renderer(version("<p>{% set x = event.products %}{{ x | length }}</p>")).render(given, "en")
    assert repr(given) == before


def test_too_large_output_stops_rendering() -> None:
    body = "<p>{% for a in event.many %}" + "x" * 2_000 + "{% endfor %}</p>"
    with pytest.raises(RenderingError, match=r"\(html\): it grows beyond 512 KB"):
        render(body, event={"many": [0] * 5_000})


# --- bytecode


def test_stored_code_renders_like_its_source() -> None:
    made = version("<p>{{ event.total | money(event.currency) }} {{ contact.email }}</p>")
    stored = TemplateVersion.from_bytes(made.to_bytes())
    foreign = TemplateVersion(
        made.name,
        made.hash,
        made.default_locale,
        {"en": compress_part(made.variant("en"), magic="another python")},
    )
    assert made.variant("en").code
    assert not foreign.variant("en").code
    mails = {Renderer(v).render(context(), "en") for v in (made, stored, foreign)}
    assert len(mails) == 1
    assert stored == made


def test_stored_source_outside_grammar_is_not_compiled() -> None:
    foreign = compress_part(
        Variant({"subject": "{{ x }}"}, {"subject": (lambda: 0).__code__}), magic="other"
    )
    with pytest.raises(RenderingError, match="publish it again"):
        Renderer(TemplateVersion("x", "0" * 16, "en", {"en": foreign})).render(context(), "en")


def test_code_of_other_python_or_jinja_is_not_run() -> None:
    import importlib.util

    import jinja2

    assert importlib.util.MAGIC_NUMBER.hex() in CODE_MAGIC
    assert jinja2.__version__ in CODE_MAGIC


def test_other_bytes_are_rejected_as_template() -> None:
    for data in (b"", b"{}", b"milepost-template-2\nxxxx"):
        with pytest.raises(ValueError, match="not a template of this format"):
            TemplateVersion.from_bytes(data)


def test_importing_rendering_loads_no_babel_and_no_compiler() -> None:
    script = (
        "import sys; import milepost.templates.rendering;"
        "print(*({m.split('.')[0] for m in sys.modules} & "
        "{'babel', 'mrml', 'css_inline', 'difflib', 'zoneinfo', 'boto3', 'pydantic'}))"
    )
    layer = str(Path(languages.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": layer},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def test_context_can_be_any_mapping() -> None:
    from types import MappingProxyType

    frozen = MappingProxyType(context(event=MappingProxyType({"total": 3})))
    assert "<p>3</p>" in Renderer(version("<p>{{ event.total }}</p>")).render(frozen, "en").html
