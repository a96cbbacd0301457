"""Reading the posts of forms, and the pages of forms in every language."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.pages.form import Answers, Form, FormError, form_named, origins, read_answers
from milepost.pages.form_html import (
    TEXTS,
    confirm_page,
    confirmed_page,
    expired_page,
    rate_limited_page,
    received_page,
    wrong_page,
)
from milepost.stores.settings import StoreSettings
from tests.pages.test_pages import LOCALES, Outline
from tests.support.json_strategy import documents

FORM = Form(
    "footer",
    fields={
        "first_name": {},
        "age": {"type": "number"},
        "size": {"choices": ["S", "L"]},
        "born": {"type": "date"},
        "adult": {"type": "boolean"},
    },
)


def read(**posted: Any) -> Answers | FormError:
    return read_answers(FORM, {"email": "Ann@Mail.example", **posted})


def test_answers_get_type_of_field() -> None:
    found = read(first_name=" Ann ", age="41", size="L", born="1990-01-08", adult="on", more="x")
    assert found == Answers(
        "ann@mail.example",
        {"first_name": "Ann", "age": 41, "size": "L", "born": "1990-01-08", "adult": True},
    )
    assert read(age="41.5", adult="false") == Answers(
        "ann@mail.example", {"age": 41.5, "adult": False}
    )


def test_invalid_language_or_time_zone_is_ignored() -> None:
    found = read(locale="fa_ir", timezone="Asia/Tehran", device="x")
    assert found == Answers("ann@mail.example", {"adult": False}, "fa-IR", "Asia/Tehran", "")
    odd = read(locale='"><script>', timezone="../../etc/passwd", device=["x"])
    assert odd == Answers("ann@mail.example", {"adult": False})


@given(
    st.dictionaries(
        st.sampled_from(["email", "locale", "timezone", "device", *FORM.fields]),
        documents | st.text(),
    )
)
def test_any_post_is_read_without_exception(posted: dict[str, Any]) -> None:
    found = read_answers(FORM, {"email": "ann@mail.example", **posted})
    assert isinstance(found, Answers | FormError)


def test_form_is_read_from_settings() -> None:
    settings = StoreSettings(forms={"footer": {"topics": ["news"], "later": "x"}})
    assert form_named(settings, "footer") == Form("footer", topics=("news",))
    assert form_named(settings, "header") is None
    assert form_named(StoreSettings(), "footer") is None


def test_origins_default_to_shop_url() -> None:
    assert origins(StoreSettings(url="https://shop.example/de/")) == ("https://shop.example",)
    assert origins(StoreSettings(url="https://shop.example:8443/")) == (
        "https://shop.example:8443",
    )
    named = StoreSettings(url="https://shop.example/", origins=("https://www.shop.example",))
    assert origins(named) == ("https://www.shop.example",)
    assert origins(StoreSettings()) == ()


@pytest.mark.parametrize("consent_text", ["Yes", {"en": "Yes", "fa": "بله"}])
def test_consent_text_is_in_the_shown_language(consent_text: Any) -> None:
    form = Form("footer", consent_text=consent_text)
    assert form.consent_text_in("fa-IR", "en") == ("Yes" if consent_text == "Yes" else "بله")
    assert form.consent_text_in("nb", "en") == "Yes"


# --- pages ---


class Confirmation:
    def __init__(
        self, store_name: str = "Shop", consent_text: str = "Yes", locale: str = "en"
    ) -> None:
        self.store_name, self.consent_text, self.locale = store_name, consent_text, locale


def pages(confirmation: Confirmation) -> list[str]:
    return [
        confirm_page(confirmation),
        confirmed_page(confirmation),
        expired_page(confirmation),
        rate_limited_page(confirmation.locale),
        *(
            received_page(confirmation.locale, confirmation.store_name, double)
            for double in (True, False)
        ),
        *(wrong_page(confirmation.locale, code) for code in ("bad_email", "required", "bad_field")),
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_is_valid_and_in_language(locale: str) -> None:
    for page in pages(Confirmation(locale=locale)):
        assert Outline(page).tags.count("h1") == 1
        lang = page.partition('lang="')[2].partition('"')[0]
        assert lang in TEXTS
        assert f'dir="{"rtl" if lang in {"ar", "fa"} else "ltr"}"' in page


def test_every_language_has_all_texts() -> None:
    for texts in TEXTS.values():
        assert texts.keys() == TEXTS["en"].keys()
        for key, text in texts.items():
            assert ("{store}" in text) == ("{store}" in TEXTS["en"][key])


@given(st.text(), st.text(min_size=1), st.sampled_from(LOCALES))
def test_names_and_consent_text_are_escaped(store: str, consent_text: str, locale: str) -> None:
    plain = [Outline(page) for page in pages(Confirmation(locale=locale))]
    found = [Outline(page) for page in pages(Confirmation(store, consent_text, locale))]
    assert [page.tags for page in found] == [page.tags for page in plain]
    assert [page.attributes for page in found] == [page.attributes for page in plain]
