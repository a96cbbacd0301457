"""Every public page in a browser, in every language, narrow and wide."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.react.app import handler as react
from functions.run_steps.app import handler as run_steps
from milepost.contacts.event import contact_id
from milepost.sending.links import (
    ConfirmationLink,
    PreferencesLink,
    seal_confirmation,
    seal_preferences,
)
from milepost.wiring import tables
from tests.browser.driver import Browser, browser
from tests.pages.test_functions_preferences import VISIT, day
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, Shop
from tests.support.handlers import enrolled, tell, upload

PICTURES = Path(__file__).parents[2] / ".milepost" / "pages"
LANGUAGES = ("en", "ar", "fa", "zh-Hant")
WIDTHS = (320, 1280)
AUDIT = (Path(__file__).parent / "audit.js").read_text("utf-8")
CONSENT_TEXT = {
    "en": "Yes, I would like e-mails from Harbor & Pine about news and offers.",
    "ar": "نعم، أودّ أن تصلني رسائل Harbor & Pine عن الجديد والعروض.",
    "fa": "بله، می‌خواهم ایمیل‌های Harbor & Pine دربارهٔ تازه‌ها و پیشنهادها را دریافت کنم.",
    "zh-Hant": "是的，我想收到 Harbor & Pine 關於新消息與優惠的郵件。",
}
TITLES = {
    "ar": {"offers": "العروض والتذكيرات", "news": "أخبار المتجر"},
    "fa": {"offers": "پیشنهادها و یادآوری‌ها", "news": "تازه‌های فروشگاه"},
    "zh-Hant": {"offers": "優惠與提醒", "news": "商店消息"},
}
VISITS = {
    "en": "Your next treatment",
    "ar": "موعد علاجك القادم",
    "fa": "نوبت بعدی درمان شما",
    "zh-Hant": "您的下一次療程",
}


class Visitor:
    """A contact with one language, an enrollment that waits for a visit, and all kinds of links."""

    def __init__(self, shop: Shop, site: str, locale: str) -> None:
        self.shop, self.site, self.locale = shop, site, locale
        steps = [VISIT["steps"][0] | {"movable": VISITS}, *VISIT["steps"][1:]]
        upload(shop, files_of(visit={**VISIT, "steps": steps}))
        form = {"topics": ["news", "offers"], "consent_text": CONSENT_TEXT}
        shop.settings(
            name="Harbor & Pine",
            locales=list(LANGUAGES),
            topics={"news": "News from the shop", "offers": "Offers and reminders"},
            topic_titles=TITLES,
            forms={"footer": form, "popup": {**form, "double_opt_in": False}},
            origins=[site],
        )
        yes = {"topic": "offers", "state": "granted", "at": "2026-01-01T00:00:00Z"}
        person = {"email": EMAIL, "locale": locale, "properties": {"next_visit": day(20)}}
        tell(shop, "Visited", contact={**person, "consent": [yes]})
        run_steps({**enrolled(shop, "visit"), "block": "wait"}, None)
        self.contact = contact_id(shop.store, "email", EMAIL)
        self.message = f"{self.contact}-{'1' * 24}"

    def link(self, kind: str) -> str:
        return f"{self.site}/v1/{self.shop.store}/{kind}"

    @property
    def preferences(self) -> str:
        claim = PreferencesLink(self.shop.store, self.contact, self.message)
        return self.link(f"preferences/{seal_preferences(claim, self.shop.links)}")

    @property
    def unsubscribe(self) -> str:
        return self.link(f"unsubscribe/{self.shop.token(self.contact)}")

    @property
    def confirm(self) -> str:
        """The confirmation link of the last sign-up."""
        *_, item = self.shop.events("Opt-In Requested")
        at, id_ = item["at"]["S"], item["id"]["S"]
        claim = ConfirmationLink(self.shop.store, self.contact, "footer", id_, instant(at))
        return self.link(f"confirm/{seal_confirmation(claim, self.shop.links)}")

    def form(self, name: str) -> str:
        """A page of the shop with a form: plain, as docs/forms.md shows it."""
        return (
            f'<!doctype html><form method="post" action="{self.link(f"forms/{name}")}">'
            f'<input type="hidden" name="locale" value="{self.locale}">'
            '<input type="hidden" name="device"><input name="email">'
            "<button>ok</button></form>"
        )

    def pass_on(self, name: str = "Preferences Changed") -> None:
        react(self.shop.cloud.stream(*self.shop.events(name)), None)


def instant(text: str) -> Any:
    from milepost.base import times

    return times.parse_instant(text)


@pytest.fixture
def visitor(shop: Shop, site: str, request: pytest.FixtureRequest) -> Visitor:
    return Visitor(shop, site, request.param)


each_language = pytest.mark.parametrize("visitor", LANGUAGES, indirect=True)


def walk(visitor: Visitor, window: Browser, pages: dict[str, str]) -> Iterator[str]:
    """Walk through all pages in the order of a contact."""
    window.visit(visitor.preferences)
    yield "preferences"
    window.find('input[type="date"]').write(american_date(day(40)))
    window.press("move")
    yield "preferences-moved"
    visitor.pass_on()
    window.find('input[value="weekly"]').click()
    window.press("save")
    yield "preferences-saved"
    visitor.pass_on()
    window.press("snooze")
    yield "preferences-snoozed"
    visitor.pass_on()
    window.press("resume")
    yield "preferences-resumed"
    visitor.pass_on()
    window.press("all")
    yield "preferences-unsubscribed"
    window.visit(visitor.unsubscribe)
    yield "unsubscribe"
    window.press("topic")
    yield "unsubscribe-done"
    for form, address in (("footer", EMAIL), ("popup", EMAIL), ("popup", "nonsense")):
        pages["form"] = visitor.form(form)
        window.visit(f"{visitor.site}/shop/form")
        window.find('input[name="email"]').write(address)
        window.follow("button")
        yield f"form-{form}" + ("" if address == EMAIL else "-wrong")
    window.visit(visitor.confirm)
    yield "confirm"
    window.press("confirm")
    yield "confirm-done"
    window.visit(visitor.link("confirm/nonsense"))
    yield "stale"


def american_date(written: str) -> str:
    """A date as it is typed into a date field of an American browser."""
    year, month, day_ = written.split("-")
    return f"{month}{day_}{year}"


@each_language
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_passes_audit_in_every_language_and_width(
    visitor: Visitor, window: Browser, width: int, pages: dict[str, str]
) -> None:
    window.resize(width)
    seen = []
    for name in walk(visitor, window, pages):
        seen.append(name)
        for scheme in ("light", "dark"):
            window.prefer(scheme)
            assert window.run(AUDIT) == [], (name, scheme)
            if scheme == "light" or name == "preferences":
                window.picture(PICTURES / f"{name}.{visitor.locale}.{width}.{scheme}.png")
        window.prefer("light")
        lang, direction = window.run(
            "return [document.documentElement.lang, getComputedStyle(document.body).direction]"
        )
        expected = "en" if name == "stale" else visitor.locale
        assert (lang, direction) == (expected, "rtl" if expected in {"ar", "fa"} else "ltr")
        for element in window.find_all("button, select, input:not([type=hidden])"):
            assert element.label.strip(), (name, element.role)
        assert len(window.find_all("h1")) == 1
        assert len(window.find_all("main")) == 1
    assert len(seen) == 14


@each_language
def test_all_pages_work_without_javascript(
    visitor: Visitor, driver: httpx.Client, pages: dict[str, str]
) -> None:
    off = {"profile.managed_default_content_settings.javascript": 2}
    with browser(driver, preferences=off) as window:
        pages["probe"] = "<!doctype html><title>off</title><script>document.title = 'on'</script>"
        window.visit(f"{visitor.site}/shop/probe")
        assert window.get("/title") == "off"
        for _ in walk(visitor, window, pages):
            pass
    visitor.pass_on()
    found = tables.contacts().profile(visitor.shop.store, visitor.contact)
    assert found is not None
    assert found.get("frequency") == "weekly"
    assert found.get("properties.next_visit") == day(40)
    assert {event["name"]["S"] for event in visitor.shop.events()} >= {
        "Unsubscribed",
        "Preferences Changed",
        "Opt-In Requested",
        "Form Submitted",
    }


@each_language
def test_keyboard_reaches_all_controls_with_visible_focus(
    visitor: Visitor, window: Browser
) -> None:
    window.resize(1280)
    window.visit(visitor.preferences)
    reached, widths = set(), set()
    for _ in range(40):
        window.tab()
        name, outline = window.run(
            "const e = document.activeElement;"
            "return [e.name + '=' + e.value, getComputedStyle(e).outlineWidth]"
        )
        reached.add(name)
        widths.add(outline)
    for wanted in (
        "action=move",
        "action=save",
        "action=snooze",
        "action=all",
        "topic=offers",
        "topic=news",
    ):
        assert wanted in reached
    assert {"locale", "timezone", "date", "frequency"} <= {name.split("=")[0] for name in reached}
    assert widths - {"0px"} == {"3px"}
