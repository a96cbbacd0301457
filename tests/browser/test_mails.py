"""Rendered e-mails in a browser, narrow and wide, in light and dark mode, and the web view."""

import re
from pathlib import Path
from typing import Any

import pytest

from milepost.templates.compile import compile_template
from milepost.templates.rendering import Renderer
from milepost.templates.version import TemplateVersion
from tests.browser.driver import Browser
from tests.browser.test_pages import AUDIT
from tests.pages.test_functions_view import send_email
from tests.support.cloud import Shop

SHIPPED = Path(__file__).parents[2] / "workflows" / "templates"
PICTURES = Path(__file__).parents[2] / ".milepost" / "mails"
LOCALES = {"en": "USD", "ar": "SAR", "fa": "IRT", "zh-Hant": "TWD"}
TOKEN = "https://api.example/v1/north"


def texts(folder: str) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in (SHIPPED / folder).iterdir()}


def mail(name: str, locale: str) -> str:
    made = compile_template(name, texts(name), texts("_layout"), "en", list(LOCALES))
    assert isinstance(made, TemplateVersion), made
    products = [
        {"name": "Merino scarf (XL)", "price": "49.00", "variant": "Charcoal", "quantity": 3},
        {"name": "كوب", "price": 24.5, "url": "https://shop.example/mug"},
    ]
    event = {"products": products, "total": 171.5, "currency": LOCALES[locale]}
    context: dict[str, Any] = {
        "contact": {"first_name": "Anna", "email": "anna@mail.example"},
        "event": event,
        "store": {
            "name": "Harbor & Pine",
            "url": "https://shop.example/",
            "postal_address": "12 Quay Street, Portland",
            "currency": "USD",
        },
        "urls": {k: f"{TOKEN}/{k}/t" for k in ("view", "preferences", "unsubscribe", "confirm")},
    }
    context["urls"]["shop"] = "https://shop.example/?mp=t"
    return Renderer(made).render(context, locale).html


@pytest.mark.parametrize(
    ("name", "locale"),
    [*(("abandoned-cart/reminder", locale) for locale in LOCALES), ("welcome/hello", "ar")],
)
def test_email_is_readable_at_every_width_and_color_scheme(
    window: Browser, tmp_path: Path, name: str, locale: str
) -> None:
    file = tmp_path / "mail.html"
    file.write_text(mail(name, locale), "utf-8")
    for width in (320, 600):
        window.resize(width)
        window.visit(file.as_uri())
        for scheme in ("light", "dark"):
            window.prefer(scheme)
            faults = window.run(AUDIT)
            assert not [f for f in faults if "contrast" in f or "wide" in f], (width, scheme)
            background = window.run("return getComputedStyle(document.body).backgroundColor")
            assert (background == "rgb(22, 21, 19)") == (scheme == "dark")
            window.picture(PICTURES / f"{name.replace('/', '-')}.{locale}.{width}.{scheme}.png")
    sides = window.run(
        "return getComputedStyle(document.querySelector('h1').parentElement).textAlign"
    )
    assert sides == ("right" if locale in ("ar", "fa") else "left")


def test_web_view_runs_no_script_and_its_link_unsubscribes(
    shop: Shop, site: str, window: Browser
) -> None:
    evil = '"><script>document.title="ran"</script>'
    token = send_email(shop, note=evil, picture="https://shop.example/x.png")
    window.visit(f"{site}/v1/{shop.store}/view/{token}")
    assert evil in window.find("p").text
    assert window.run("return document.title") != "ran"
    (link,) = [e for e in window.find_all("a") if e.text == "stop"]
    assert re.fullmatch(rf"{site}/v1/{shop.store}/unsubscribe/[\w.-]+", link.property("href"))
    window.follow("a:last-of-type")
    assert "Stop these e-mails?" in window.find("h1").text
