# ruff: noqa: E501 -- tables of cases, mail texts in Arabic, Persian and Chinese
"""Compiling template folders: the shipped ones, and every problem that a folder can have."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from milepost.base.problems import Problem
from milepost.templates.compile import check_marketing, compile_template
from milepost.templates.rendering import (
    ENVIRONMENTS,
    Rendered,
    Renderer,
    RenderingError,
    estimate,
    html_size,
)
from milepost.templates.version import MAX_BYTES, TemplateVersion

SHIPPED = Path(__file__).parents[2] / "workflows" / "templates"
LOCALES = ["en", "ar", "fa", "zh-Hant"]
NAMES = sorted(str(p.parent.relative_to(SHIPPED)) for p in SHIPPED.glob("*/*/subject.txt"))


def read(folder: str) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in (SHIPPED / folder).iterdir()}


def shipped(name: str) -> TemplateVersion:
    made = compile_template(name, read(name), read("_layout"), "en", LOCALES)
    assert isinstance(made, TemplateVersion), "\n".join(map(str, made))
    return made


def product(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Merino scarf (XL)",
        "price": "49.00",
        "quantity": 1,
        "image_url": "https://img.example/scarf.png",
        "url": "https://shop.example/scarf",
        "variant": "Charcoal",
    } | changes


def context(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "contact": {"first_name": "Anna", "last_name": None, "email": "anna@example.com"},
        "event": {
            "name": "Checkout Started",
            "products": [product(), product(name="Mug", quantity=3, price=24.5, image_url=None)],
            "total": 122.5,
            "currency": "USD",
            "checkout_url": "https://shop.example/cart?a=1&b=2",
        },
        "store": {
            "name": "Northwind",
            "url": "https://shop.example/",
            "postal_address": "12 Harbor Street, Portland",
            "logo_url": "",
            "currency": "USD",
        },
        "urls": {
            "unsubscribe": "https://api.example/v1/north/unsubscribe/token",
            "preferences": "https://api.example/v1/north/preferences/token",
            "view": "https://api.example/v1/north/view/token",
            "confirm": "https://api.example/v1/north/confirm/token",
            "shop": "https://north.example/?mp=token",
        },
        "steps": {},
        "now": "2026-11-22T09:00:00.000Z",
    }
    return whole | changes


# --- the templates that ship


@pytest.fixture(scope="module", params=NAMES)
def version(request: pytest.FixtureRequest) -> TemplateVersion:
    return shipped(request.param)


def test_documented_templates_are_shipped() -> None:
    assert NAMES == [
        "abandoned-cart/last-call",
        "abandoned-cart/reminder",
        "abandoned-cart/second-reminder",
        "opt-in/confirm",
        "welcome/best-of",
        "welcome/hello",
    ]


def test_shipped_template_is_allowed_as_marketing(version: TemplateVersion) -> None:
    assert check_marketing(version) == []


def test_shipped_template_is_small(version: TemplateVersion) -> None:
    assert len(version.to_bytes()) < 64 * 1024
    for locale in LOCALES:
        mail = Renderer(version).render(long_cart(), locale)
        assert len(mail.html.encode()) < 60 * 1024


def long_cart() -> dict[str, Any]:
    event = context()["event"] | {"products": [product()] * 400}
    return context(event=event)


@pytest.mark.parametrize("locale", LOCALES)
def test_shipped_email_has_language_and_direction(version: TemplateVersion, locale: str) -> None:
    mail = Renderer(version).render(context(), locale)
    direction = "rtl" if locale in ("ar", "fa") else "ltr"
    assert mail.locale == locale
    assert re.match(rf'<!doctype html><html lang="{locale}" dir="{direction}"', mail.html, re.I)
    assert f'role="article" lang="{locale}" dir="{direction}"' in mail.html
    assert f"direction:{'ltr' if direction == 'rtl' else 'rtl'};" not in mail.html
    script = {"ar": "[ء-ي]", "fa": "[آ-ی]", "zh-Hant": "[一-龥]", "en": "[a-z]"}[locale]
    for part in (mail.subject, mail.preheader, mail.text, mail.html):
        assert re.search(script, part)
    assert not re.search(r"[{}]|\bt\.", mail.subject + mail.preheader + mail.text)


@pytest.mark.parametrize("locale", LOCALES)
def test_shipped_email_has_sender_reason_and_unsubscribe_link(
    version: TemplateVersion, locale: str
) -> None:
    mail = Renderer(version).render(context(), locale)
    for part in (mail.html, mail.text):
        assert "Northwind" in part
        assert "12 Harbor Street, Portland" in part
        assert "https://api.example/v1/north/unsubscribe/token" in part


@pytest.mark.parametrize("locale", LOCALES)
def test_shipped_email_renders_well_without_contact_data(
    version: TemplateVersion, locale: str
) -> None:
    mail = Renderer(version).render(context(contact={}, event={"name": "Signed Up"}), locale)
    assert 'href="#"' not in mail.html
    for part in (mail.subject, mail.text):
        assert not re.search(r"^[,،，]|[,،，] *[,،，!]|  |\( *\)", part, re.MULTILINE)


@pytest.mark.parametrize("locale", LOCALES)
def test_shipped_email_is_accessible(version: TemplateVersion, locale: str) -> None:
    page = _Page(Renderer(version).render(context(), locale).html)
    assert page.counts["h1"] == 1
    assert page.images_without_alt == 0
    assert page.data_tables == 0
    assert page.title


class _Page(HTMLParser):
    """Collects problems for screen readers. Layout tables need a role unless they hold data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.images_without_alt = self.data_tables = 0
        self.title = ""
        self._in_title = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.images_without_alt += tag == "img" and given.get("alt") is None
        self.data_tables += tag == "table" and given.get("role") not in ("presentation", "table")
        self._in_title = tag == "title"

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False


@pytest.mark.parametrize(
    ("locale", "currency", "shown"),
    [
        ("en", "USD", ["$49.00", "3 × $24.50", "$73.50", "$122.50"]),
        ("ar", "SAR", ["49.00", "3 × ", "73.50", "122.50", "ر.س."]),
        ("ar-EG", "EGP", ["٤٩٫٠٠", "٣ × ", "٧٣٫٥٠", "١٢٢٫٥٠"]),
        ("fa", "IRT", ["۴۹\xa0تومان", "۳ × ", "تومان"]),
        ("zh-TW", "TWD", ["NT$49", "3 × NT$24", "NT$122"]),
    ],
)
def test_cart_email_shows_products_and_localized_prices(
    locale: str, currency: str, shown: list[str]
) -> None:
    event = context()["event"] | {"currency": currency}
    mail = Renderer(shipped("abandoned-cart/reminder")).render(context(event=event), locale)
    for part in (mail.html, mail.text):
        assert "Merino scarf (XL)" in part
        plain = re.sub(r"<[^>]+>|[\u2068\u2069]", "", part)
        for text in shown:
            assert text in plain
    assert '<img src="https://img.example/scarf.png" alt=""' in mail.html
    assert mail.html.count("<img") == 1
    assert 'href="https://shop.example/cart?a=1&amp;b=2"' in mail.html


def test_long_cart_shows_eight_products_and_number_of_others() -> None:
    mail = Renderer(shipped("abandoned-cart/reminder")).render(long_cart(), "en")
    assert mail.text.count("Merino scarf") == 8
    assert "and 392 more" in mail.text


def test_cart_with_invalid_price_is_an_error() -> None:
    event = context()["event"] | {"products": [product(price="on request")]}
    with pytest.raises(RenderingError, match="a value is not an amount"):
        Renderer(shipped("abandoned-cart/reminder")).render(context(event=event), "en")


def test_text_part_of_cart_email_is_readable() -> None:
    mail = Renderer(shipped("abandoned-cart/reminder")).render(context(), "en")
    assert mail.text == (
        "Northwind: https://shop.example/\n"
        "\n"
        "Anna, your cart is still here\n"
        "\n"
        "You were nearly there. Whatever called you away, we kept everything just as you left it.\n"
        "\n"
        "Merino scarf (XL): https://shop.example/scarf\n"
        "Charcoal $49.00\n"
        "Mug: https://shop.example/scarf\n"
        "Charcoal\n"
        "3 × $24.50 $73.50\n"
        "Total $122.50\n"
        "\n"
        "Back to my cart:\n"
        "https://shop.example/cart?a=1&b=2\n"
        "\n"
        "You are receiving this email because you left something in your cart at Northwind.\n"
        "\n"
        "Northwind · 12 Harbor Street, Portland\n"
        "\n"
        "View in browser: https://api.example/v1/north/view/token\n"
        "\n"
        "Preferences: https://api.example/v1/north/preferences/token\n"
        "\n"
        "Unsubscribe: https://api.example/v1/north/unsubscribe/token\n"
    )


def test_latin_name_in_arabic_email_is_isolated() -> None:
    mail = Renderer(shipped("abandoned-cart/reminder")).render(context(), "ar")
    assert '<span dir="ltr">Merino scarf (XL)</span>' in mail.html
    assert '<span dir="ltr">Anna</span>' in mail.html


def test_every_language_has_the_same_text_keys() -> None:
    for folder in [*NAMES, "_layout"]:
        files = read(folder)
        keys = {
            locale: sorted(_keys(json.loads(files[f"strings.{locale}.json"]))) for locale in LOCALES
        }
        assert len({tuple(found) for found in keys.values()}) == 1, folder


def _keys(document: dict[str, Any], path: str = "") -> list[str]:
    return [
        key
        for name, value in document.items()
        for key in (_keys(value, f"{path}{name}.") if isinstance(value, dict) else [path + name])
    ]


# --- one template of one's own

BODY = """<mjml lang="{{ lang }}" dir="{{ dir }}"><mj-body>
{% if event.products %}
<mj-section><mj-column>
{% for p in event.products %}
<mj-text>{{ p.name }}</mj-text>
{% endfor %}
<mj-table>{% for p in event.products %}<tr><td>{{ p.name }}</td></tr>{% endfor %}</mj-table>
</mj-column></mj-section>
{% else %}
<mj-raw>{% if event.raw %}<p>raw</p>{% endif %}</mj-raw>
{% endif %}
<mj-section background-url="{{ event.picture }}"><mj-column>
<mj-image src="{{ event.picture }}" href="{{ store.url }}?x={{ event.name }}" alt="{{ event.alt | default('') }}" />
<mj-button href="{{ urls.unsubscribe }}">Unsubscribe</mj-button>
<mj-text><a href="https://x.example/{{ event.name }}">{{ store.postal_address }}</a></mj-text>
</mj-column></mj-section>
</mj-body></mjml>"""


def build(**files: str) -> TemplateVersion | tuple[Problem, ...]:
    folder = {"subject.txt": "Hello", "body.mjml": BODY} | {
        key.replace("__", "."): text for key, text in files.items()
    }
    layout = {
        key.removeprefix("layout/"): folder.pop(key) for key in list(folder) if "layout/" in key
    }
    return compile_template("shop/mail", {k: v for k, v in folder.items() if v}, layout, "en", [])


def built(**files: str) -> TemplateVersion:
    made = build(**files)
    assert isinstance(made, TemplateVersion), "\n".join(map(str, made))
    return made


def fill(made: TemplateVersion, **event: Any) -> Rendered:
    return Renderer(made).render(context(event={"name": "x", **event}), "en")


def problems(**files: str) -> list[str]:
    made = build(**files)
    assert isinstance(made, tuple), "this should not compile"
    return [str(problem) for problem in made]


def html(body: str, **files: str) -> list[str]:
    return problems(**{"body.mjml": "", "body.html": body, **files})


def test_jinja_survives_mjml_compiler_at_every_allowed_place() -> None:
    made = built()
    full = fill(
        made, products=[{"name": "A<"}, {"name": "B"}], picture="https://i.example/p.png?a=1&b=2"
    )
    assert full.html.count("A&lt;") == 2
    assert "<tr><td>A&lt;</td></tr><tr><td>B</td></tr>" in full.html
    assert "raw" not in full.html
    assert 'src="https://i.example/p.png?a=1&amp;b=2"' in full.html
    assert "url('https://i.example/p.png?a=1&amp;b=2')" in full.html
    assert 'href="https://shop.example/?x=x"' in full.html
    assert "<p>raw</p>" in fill(made, raw=1, picture="https://i.example/p.png").html
    assert "<p>raw</p>" not in fill(made, picture="https://i.example/p.png").html
    assert "jq" not in full.html
    assert "{" not in full.html[full.html.index("<body") :]


def test_jinja_survives_style_inliner() -> None:
    body = (
        "<style>td { color: #123456; padding: 4px } @media (max-width: 400px) { td { padding: 0 } }"
        "</style><table>{% for p in event.products %}<tr><td style='margin: {{ p.m }}'>"
        "{{ p.name }}</td></tr>{% endfor %}</table><!-- a note -->"
        "<!--[if mso]><b>Outlook {{ store.name }}</b><![endif]-->"
    )
    mail = fill(
        built(**{"body.mjml": "", "body.html": body}), products=[{"name": "A & B", "m": "3px"}]
    )
    row = r'<tr><td style="color: ?#123456;padding: ?4px;margin: ?3px;?">A &amp; B</td></tr>'
    assert re.search(row, mail.html)
    assert "@media (max-width: 400px)" in mail.html
    assert "a note" not in mail.html
    assert "<!--[if mso]><b>Outlook Northwind</b><![endif]-->" in mail.html


def test_conditional_comment_for_other_than_outlook_is_kept() -> None:
    assert "<!--[if !mso]><!--><meta http-equiv" in fill(built(), picture="#").html


def test_brace_and_hash_in_style_need_space() -> None:
    style = "<style>@media print{#top{color:red}}</style><p id='top'>x</p>"
    assert html(style) == [
        "templates/shop/mail/body.html:1: Missing end of comment tag "
        '(in a style, write "{ #" with a space)'
    ]
    made = built(**{"body.mjml": "", "body.html": style.replace("{#", "{ #")})
    assert "#top{color:red}" in fill(made).html


def test_layout_includes_and_texts_are_resolved_at_publish() -> None:
    made = compile_template(
        "shop/mail",
        {
            "subject.txt": "{{ t.title }}",
            "preheader.txt": "{{ t.pre }}",
            "body.html": '{% extends "base.html" %}{% block main %}{% include "own.html" %}{% endblock %}',
            "own.html": "<h1>{{ t.title }}</h1>{{ t.nested.deep }}",
            "strings.en.json": '{"title": "Hi & hello", "pre": "Pre <b>", "nested": {"deep": "{{ t.foot }}!"}}',
            "strings.fa.json": '{"title": "سلام", "pre": "پیش", "nested": {"deep": "{{ t.foot }}!"}}',
        },
        {
            "base.html": "<title>{{ subject }}</title>{% block main %}default{% endblock %}"
            "{% block foot %}{{ t.foot }}{% endblock %}",
            "strings.en.json": '{"foot": "{{ store.name }}", "title": "overridden"}',
            "strings.fa.json": '{"foot": "از {{ store.name }}"}',
        },
        "en",
        ["en-GB", "fa"],
    )
    assert isinstance(made, TemplateVersion), made
    assert made.locales == ("en", "fa")
    mail = Renderer(made).render(context(), "en-US")
    assert mail.subject == "Hi & hello"
    assert mail.preheader == "Pre <b>"
    assert "<title>Hi &amp; hello</title>" in mail.html
    assert "<h1>Hi &amp; hello</h1>Northwind!Northwind</body>" in mail.html
    assert mail.html.index("Pre &lt;b&gt;") < mail.html.index("<h1>")
    assert mail.text == "Hi & hello\n\nNorthwind!Northwind\n"
    assert "از" in Renderer(made).render(context(), "fa").text


def test_own_text_part_is_used_unchanged() -> None:
    mail = fill(
        built(**{"body.txt": "Dear {{ contact.email }},\n\n\n\n  bye & <so> on"}), picture="#"
    )
    assert mail.text == "Dear anna@example.com,\n\n  bye & <so> on\n"


def test_template_without_texts_has_default_language_only() -> None:
    made = compile_template(
        "a/b", {"subject.txt": "Hi", "body.html": "<p>Hi</p>"}, {}, "en", ["en", "fa"]
    )
    assert isinstance(made, TemplateVersion)
    assert made.locales == ("en",)


# --- versions


def test_same_files_give_same_version() -> None:
    first, second = shipped("welcome/hello"), shipped("welcome/hello")
    assert first == second
    assert re.fullmatch("[0-9a-f]{16}", first.hash)
    assert first.to_bytes() == second.to_bytes()


def test_changed_file_gives_other_version() -> None:
    files, layout = read("welcome/hello"), read("_layout")
    hashes = {shipped("welcome/hello").hash}
    for group in (files, layout):
        for key in group:
            before = group[key]
            added = (
                before.replace("\n}", ',\n  "x": "y"\n}') if key.endswith(".json") else f"{before} "
            )
            group[key] = added
            made = compile_template("welcome/hello", files, layout, "en", LOCALES)
            assert isinstance(made, TemplateVersion), made
            hashes.add(made.hash)
            group[key] = before
    assert len(hashes) == 1 + len(files) + len(layout)


def test_version_survives_storage() -> None:
    made = shipped("abandoned-cart/reminder")
    again = TemplateVersion.from_bytes(made.to_bytes())
    assert again == made
    for locale in LOCALES:
        assert Renderer(again).render(context(), locale) == Renderer(made).render(context(), locale)
        assert again.variant(locale).code


def test_size_estimate_is_close_to_rendered_size() -> None:
    made = shipped("abandoned-cart/reminder")
    mail = Renderer(made).render(long_cart(), "en")
    guess = estimate(ENVIRONMENTS["html"].parse(made.variant("en").sources["html"]))
    assert 0.8 < guess / html_size(mail.html) < 1.4


def test_too_large_body_is_rejected() -> None:
    assert html(f"<p>{'x' * 103 * 1024}</p>") == [
        "templates/shop/mail/body.html: makes about 103 KB of HTML in en, and Gmail clips at "
        "102 KB (shorten the body or the layout, or limit a loop: items[:8])"
    ]
    assert "about 117 KB" in html(f"<p>{{% for a in event.b %}}{'x' * 12_000}{{% endfor %}}</p>")[0]
    for fits in (
        f"{{% for a in event.b[:8] %}}{'x' * 12_000}{{% endfor %}}",
        f"{{% if event.b %}}{'x' * 60_000}{{% else %}}{'y' * 60_000}{{% endif %}}",
    ):
        assert isinstance(
            build(**{"body.mjml": "", "body.html": f"<p>{fits}</p>"}), TemplateVersion
        )
    assert "longer than 256 KB" in html("x" * 300_000)[0]
    assert MAX_BYTES < 400 * 1024


# --- what is wrong, and where


def test_all_problems_are_reported_together() -> None:
    found = problems(
        **{
            "subject.txt": "{{ contakt.first_name }}",
            "preheader.txt": "{% if x %}",
            "body.mjml": "<mjml>\n<mj-body>\n{{ event.total | mony }}\n{{ foo(1) }}",
            "body.txt": "{{ 'unclosed }}",
            "strings.en.json": '{"a": "{{ b", "c": 1,}',
        }
    )
    places = [problem.split(": ")[0] for problem in found]
    assert places == ["templates/shop/mail/body.txt:1", "templates/shop/mail/preheader.txt:1"]
    found = problems(
        **{
            "subject.txt": "{{ contakt.first_name }}",
            "body.mjml": "<mjml>\n<mj-body>\n{{ event.total | mony }}\n{{ foo(1) }}",
            "body.txt": "{{ t.nothing }}",
        }
    )
    assert found == [
        'templates/shop/mail/body.mjml:3: there is no filter "mony" (did you mean "money"?)',
        "templates/shop/mail/body.mjml:4: calls are not available "
        "(templates only see data; use a filter)",
        'templates/shop/mail/strings.en.json: has no text "nothing", which '
        "templates/shop/mail/body.txt needs",
        'templates/shop/mail/subject.txt:1: "contakt" is not known (did you mean "contact"?)',
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ store.nme }}", 'body.html:1: store has no "nme" (did you mean "name"?)'),
        (
            "{{ urls.track }}",
            'body.html:1: urls has no "track" (it has: confirm, preferences, shop, unsubscribe, view)',
        ),
        ("{{ customer.name }}", '"customer" is not known'),
        ("{% for a in event.b %}{% endfor %}{{ a }}", '"a" is not known'),
        ("{% set store = 1 %}", '"store" cannot be set'),
        ("{% set _x = 1 %}", '"_x" cannot be set'),
        (
            "{{ contact.first_name }}",
            "contact.first_name is missing for some "
            '(write {{ contact.first_name | default("…") }} or {% if contact.first_name %}…{% endif %})',
        ),
        ("{{ contact.properties.size }}", "contact.properties.size is missing for some"),
        ("{% if contact.last_name %}{{ contact.first_name }}{% endif %}", "first_name is missing"),
        ("{{ steps.crm.body }}", "steps.crm.body is missing for some"),
        ("{{ 1 is divisible }}", 'there is no test "divisible"'),
        ("{{ 'a' | center(3) }}", 'there is no filter "center"'),
        ("{% macro a() %}{% endmacro %}", "macros are not available"),
        ("{% with a = 1 %}{% endwith %}", "with is not available in templates"),
        ("{% raw %}{{ x }}{% endraw %}", "raw blocks are not available"),
        ("{{ 2 ** 3 }}", "** is not available"),
        ('{{ now | date("ful") }}', 'date has no width "ful" (did you mean "full"?)'),
        (
            '{{ now | date("long", calendar="lunar") }}',
            'date has no calendar "lunar" (there are: gregorian',
        ),
        ("{{ t['a'] }}", "texts stand alone, as in {{ t.greeting }}"),
        ("{% if %}", "body.html:1: Expected an expression, got 'end of statement block'"),
        ("\n\n{% endif %}", "body.html:3: Encountered unknown tag 'endif'"),
        ("\n{{ a", "body.html:2: these braces are never closed"),
        ("{% include 'x.html' %}", 'there is no file "x.html"'),
        ("{% include 'body.html' %}", "files include each other"),
        ("{% include name %}", "cannot stand here"),
        ("{% block a %}", "Jinja was looking for the following tags: 'endblock'"),
        ("{% extends 'body.html' %}", "layouts extend each other in a circle"),
        ("<p {% if event.a %}class='x'{% endif %}>", "Jinja cannot stand inside a tag"),
        ("<a href={{ event.url }}>x</a>", "href= has no quotes"),
        (
            '<a href="{% if event.a %}https://x{% endif %}">x</a>',
            "a statement cannot stand inside href",
        ),
        (
            '<a href="javascript:{{ event.a }}">x</a>',
            "href must begin with the value or with https://host/",
        ),
        ('<a href="https://{{ event.host }}/">x</a>', "href must begin with the value"),
        ("<a href='javascript:alert(1)'>x</a>", 'href="javascript:alert(1)" leads nowhere'),
        ("<a href='/sale'>x</a>", 'href="/sale" leads nowhere'),
        ("<img src='data:image/png;base64,AAAA'>", "leads nowhere (links begin with https://"),
        ('<p onclick="{{ event.a }}">x</p>', "cannot be printed safely inside onclick"),
        ("<script>x</script>", "scripts do not run in mail"),
        ("<!-- {{ event.a }} -->", "'event.a' got lost"),
    ],
)
def test_problem_has_place_reason_and_remedy(body: str, expected: str) -> None:
    found = html(body)
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("templates/shop/mail/body.html") for problem in found)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "<mjml><mj-body>\n<mj-txt>x</mj-txt></mj-body></mjml>",
            'body.mjml:2: there is no <mj-txt> (did you mean "mj-text"?)',
        ),
        (
            "<mjml><mj-body>\n<mj-section>\n</mj-body></mjml>",
            "body.mjml:3: </mj-body> does not fit (close <mj-section> of templates/shop/mail/body.mjml:2 first)",
        ),
        ("<mjml><mj-body>", "<mj-body> is never closed"),
        ("</mjml>", "</mjml> closes nothing"),
        (
            "<mjml><mj-body><mj-text color=red>x</mj-text></mj-body></mjml>",
            "an attribute of <mj-text> has no quotes",
        ),
        (
            "<mjml><mj-body><mj-include path='/etc/passwd' /></mj-body></mjml>",
            "there is no <mj-include> (use {% include %})",
        ),
        ("<p>x</p>", "is not valid MJML"),
        (
            "<mjml><mj-body><mj-section><mj-column><mj-image src='https://x.example' width='{{ event.w }}' />"
            "</mj-column></mj-section></mj-body></mjml>",
            "'event.w' got lost",
        ),
        (
            "<mjml><mj-body><mj-wrapper>{% for a in event.b %}<mj-section><mj-column><mj-text>x</mj-text>"
            "</mj-column></mj-section>{% endfor %}</mj-wrapper></mj-body></mjml>",
            "stands between rows that Outlook needs together",
        ),
    ],
)
def test_invalid_mjml_is_reported_with_place(body: str, expected: str) -> None:
    found = problems(**{"body.mjml": body})
    assert any(expected in problem for problem in found), found


def test_missing_and_duplicate_files_are_problems_of_folder() -> None:
    assert problems(**{"subject.txt": "", "body.mjml": ""}) == [
        "templates/shop/mail: has no body.mjml or body.html (one of them is the body)",
        "templates/shop/mail: has no subject.txt",
    ]
    assert "has both" in problems(**{"body.html": "<p>x</p>"})[0]
    assert problems(**{"subject.txt": " \n"}) == [
        "templates/shop/mail/subject.txt: is empty (write one line)"
    ]


def test_missing_text_of_language_is_reported_once() -> None:
    made = compile_template(
        "shop/mail",
        {
            "subject.txt": "{{ t.title }}",
            "body.html": "{{ t.title }}{{ t.intro }}",
            "strings.en.json": '{"title": "a", "intro": "b"}',
            "strings.fa.json": '{"titel": "c", "intro": "d {{ contact.frist_name }}"}',
            "strings.de.json": '{"title": 1, "intro": "{{ }}"}',
        },
        {},
        "en",
        ["fa", "de", "zh-Hant"],
    )
    assert isinstance(made, tuple)
    assert [str(problem) for problem in made] == [
        "templates/shop/mail: has no strings.zh-Hant.json, and the store writes in zh-Hant",
        'templates/shop/mail/strings.de.json: "title" is not a text',
        'templates/shop/mail/strings.de.json: has no text "title", which '
        "templates/shop/mail/subject.txt needs",
        "templates/shop/mail/strings.de.json [intro]: Expected an expression, got 'end of print statement'",
        'templates/shop/mail/strings.fa.json: has no text "title", which '
        'templates/shop/mail/subject.txt needs (did you mean "titel"?)',
        'templates/shop/mail/strings.fa.json [intro]: contact has no "frist_name" '
        '(did you mean "first_name"?)',
    ]


def test_unknown_block_and_text_outside_blocks_are_problems() -> None:
    layout = {"layout/base.html": "{% block main %}{% endblock %}"}
    assert (
        'has no block "mian" (did you mean "main"?)'
        in html('{% extends "base.html" %}{% block mian %}x{% endblock %}', **layout)[0]
    )
    assert (
        "is lost in a template that extends a layout"
        in html('{% extends "base.html" %}<p>x</p>{% block main %}x{% endblock %}', **layout)[0]
    )


def test_broken_json_is_reported_with_place() -> None:
    found = html("{{ t.a }}", **{"strings.en.json": '{\n"a": "b",\n}'})
    assert found[0].startswith("templates/shop/mail/strings.en.json:")
    assert "is not JSON" in found[0]


# --- what the law asks of marketing


def test_marketing_without_unsubscribe_link_or_address_is_rejected() -> None:
    made = built(**{"body.mjml": "", "body.html": "<p>x</p>"})
    assert [str(problem) for problem in check_marketing(made)] == [
        "templates/shop/mail: body in en, text part in en: has no unsubscribe link "
        "(marketing mail needs {{ urls.unsubscribe }} outside of conditions)",
        "templates/shop/mail: body in en, text part in en: does not show the store's postal address "
        "(marketing mail needs {{ store.postal_address }} outside of conditions)",
    ]


def test_unsubscribe_link_in_condition_does_not_count() -> None:
    link = '<a href="{{ urls.unsubscribe }}">x</a>'
    address = "{{ store.postal_address | default('') }}"
    for body, lacks in (
        (f"{link}{address}", 0),
        (f"{{% if event.a %}}{link}{{% endif %}}{address}", 1),
        (f"{{% for a in event.b %}}{link}{{% endfor %}}{address}", 1),
        (f"{link}{{{{ store.postal_address if event.a else '' }}}}", 1),
        (f"{link}{{# {address} #}}", 1),
    ):
        made = built(**{"body.mjml": "", "body.html": body})
        assert len(check_marketing(made)) == lacks, body


def test_text_part_needs_unsubscribe_link() -> None:
    made = built(**{"body.txt": "{{ store.postal_address }}"})
    assert [problem.location for problem in check_marketing(made)] == [
        "templates/shop/mail: text part in en"
    ]
