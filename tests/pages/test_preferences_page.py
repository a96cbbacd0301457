"""The preferences page: valid HTML in every language, with escaped data."""

from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.dates import find_zone
from milepost.contacts.preferences import Reminder
from milepost.contacts.profile import Consent, Profile
from milepost.pages.preferences_html import TEXTS, preferences_page
from milepost.pages.time_zones import PLACES
from milepost.stores.settings import StoreSettings
from tests.pages.test_pages import LOCALES, Outline
from tests.support.builders import MONDAY_NOON, STORE, contact

TODAY = date(2026, 11, 2)
YES = Consent("granted", MONDAY_NOON, "form", "footer")
SETTINGS = StoreSettings(topics={"offers": "Offers"}, locales=("en", "fa"))
KNOWN = Profile(STORE, contact(), consent={"offers": YES})


@dataclass(frozen=True)
class PageData:
    settings: StoreSettings = SETTINGS
    profile: Profile = KNOWN
    reminders: tuple[Reminder, ...] = (Reminder("e-1", "next", "Visit", "2026-12-01"),)
    store_name: str = "Harborline"
    locale: str = "en"
    said: str = ""
    day: str = ""


def show(data: PageData, until: str = "") -> str:
    return preferences_page(data, TODAY, until, lambda day: f"<{day}>")


@pytest.mark.parametrize("locale", LOCALES)
def test_page_is_valid_and_has_language(locale: str) -> None:
    for said in ("", "saved", "snoozed", "resumed", "unsubscribed", "moved", "bad_date"):
        page = show(PageData(locale=locale, said=said, day="2026-12-02"))
        assert Outline(page).tags.count("h1") == 1
        lang = page.partition('lang="')[2].partition('"')[0]
        assert lang in TEXTS
        assert f'dir="{"rtl" if lang in {"ar", "fa"} else "ltr"}"' in page


def test_every_language_has_all_texts() -> None:
    for texts in TEXTS.values():
        assert texts.keys() == TEXTS["en"].keys()
        for key, text in texts.items():
            for slot in ("{store}", "{date}"):
                assert (slot in text) == (slot in TEXTS["en"][key])


def test_every_city_has_time_zone_and_name_in_every_language() -> None:
    assert all(find_zone(place.zone) for place in PLACES)
    assert len({place.zone for place in PLACES}) == len(PLACES)
    for language in TEXTS:
        names = [place.name_in(language) for place in PLACES]
        assert all(names)
        assert len(set(names)) == len(names)


def test_form_shows_current_preferences() -> None:
    profile = Profile(
        STORE,
        contact(),
        fields={"frequency": ("monthly", "1", "e"), "timezone": ("Asia/Tehran", "1", "e")},
        consent={"offers": YES},
    )
    page = show(PageData(profile=profile), until="2026-12-09")
    assert 'value="offers" checked' in page
    assert 'value="monthly" checked' in page
    assert '<option value="Asia/Tehran" selected>Tehran</option>' in page
    assert 'min="2026-11-03"' in page
    assert "&lt;2026-12-09&gt;" in page
    assert 'value="resume"' in page
    assert 'value="snooze"' not in page


@given(st.text(min_size=1), st.text(min_size=1), st.text(), st.sampled_from(LOCALES))
def test_data_is_always_escaped(name: str, topic: str, date_: str, locale: str) -> None:
    plain = Outline(show(PageData(locale=locale)))
    settings = StoreSettings(topics={"offers": topic}, locales=("en", "fa"))
    evil = (Reminder(name, "next", topic, date_),)
    found = Outline(show(PageData(settings, reminders=evil, store_name=name, locale=locale)))
    assert found.tags == plain.tags
    assert found.attributes == plain.attributes
