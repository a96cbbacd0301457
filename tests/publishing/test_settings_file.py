import json
from typing import Any

import pytest

from milepost.base.dates import WEEKDAYS
from milepost.base.parse_file import parse_file
from milepost.publishing.settings_file import SettingsFile
from milepost.stores.settings import StoreSettings
from tests.support import builders

Json = dict[str, Any]


def read(**changes: Any) -> SettingsFile:
    found = parse_file(json.dumps(builders.settings(**changes)), SettingsFile)
    assert isinstance(found, SettingsFile), found
    return found


def problems(**changes: Any) -> list[str]:
    document = {k: v for k, v in builders.settings(**changes).items() if v is not ...}
    found = parse_file(json.dumps(document), SettingsFile)
    return [str(problem) for problem in found] if isinstance(found, list) else []


def test_settings_file_round_trips_to_store_settings() -> None:
    written = read(
        currency="NOK",
        timezone="Europe/Oslo",
        default_locale="nb",
        locales=["nb", "en"],
        reply_to="Hello@Harborline.example",
        logo_url="https://shop.example/logo.png",
        paused=True,
    )
    document = json.loads(json.dumps(written.model_dump(mode="json", exclude_none=True)))
    assert StoreSettings.from_json(document) == StoreSettings(
        name="Harborline Goods",
        url="https://shop.example/",
        postal_address="27 Lighthouse Lane, Lunenburg",
        logo_url="https://shop.example/logo.png",
        currency="NOK",
        timezone="Europe/Oslo",
        default_locale="nb",
        locales=("nb", "en"),
        topics={"offers": "Offers", "news": "News"},
        shop_topics=("offers",),
        reply_to="Hello@Harborline.example",
        paused=True,
        topic_titles={},
        forms={},
        utm={"source": "milepost", "medium": "email"},
        senders={},
    )


def test_missing_settings_are_harmless() -> None:
    nothing = StoreSettings.from_json({})
    assert nothing == StoreSettings()
    assert nothing.topics is None
    assert not nothing.paused


def test_unknown_settings_fields_are_ignored() -> None:
    assert StoreSettings.from_json({"name": "A", "weather": "fine"}) == StoreSettings(name="A")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": ...}, "name: is missing (add name)"),
        ({"name": ""}, "name: "),
        ({"name": "x" * 61}, "name: "),
        ({"nmae": "x"}, 'nmae: is not a field that is known here (did you mean "name"?)'),
        ({"url": "shop.example"}, "url: "),
        ({"url": "javascript:alert(1)"}, "url: "),
        ({"url": "ftp://shop.example"}, "url: "),
        ({"logo_url": "data:image/png;base64,AAAA"}, "logo_url: "),
        ({"senders": {"anna": {}}}, "senders.anna.name: is missing (add name)"),
        (
            {"senders": {"anna": {"name": "A", "address": "A <a@b.example>"}}},
            "senders.anna.address: 'A <a@b.example>' is not an e-mail address",
        ),
        ({"senders": {"Anna B": {"name": "A"}}}, "senders"),
        (
            {"senders": {"anna": {"name": "A", "headers": {"List-Unsubscribe": "x"}}}},
            "senders.anna.headers: is not a field that is known here",
        ),
        ({"postal_address": "12"}, "postal_address: "),
        ({"currency": "kr"}, "currency: 'kr' is not written as it must be (three capital letters"),
        ({"timezone": "Oslo"}, "timezone: 'Oslo' is not an IANA time zone like 'Europe/Paris'"),
        ({"timezone": "contact"}, "timezone: 'contact' is not an IANA time zone"),
        ({"default_locale": "fr"}, "file: default_locale 'fr' is not among locales"),
        ({"locales": []}, "file: default_locale 'en' is not among locales"),
        ({"locales": ["en", "EN_us"]}, "locales[1]: 'EN_us' is not written as it must be (a langu"),
        ({"topics": {}}, "topics: "),
        ({"topics": {"offers": ""}, "shop_topics": []}, "topics.offers: "),
        ({"topics": {"The Offers": "x"}, "shop_topics": []}, "topics.The Offers: 'The Offers' is "),
        ({"shop_topics": ["sales"]}, "file: shop_topics names 'sales', which is not among topics"),
        ({"reply_to": "Harborline <a@b.example>"}, "reply_to: 'Harborline <a@b.example>' is "),
        ({"reply_to": "a@b.example\r\nBcc: x@y.example"}, "reply_to: "),
        (
            {"forms": {"f": {"topics": ["sales"], "consent_text": "x"}}},
            "file: forms.f names 'sales', which is not among topics",
        ),
        ({"forms": {"f": {"topics": ["news"]}}}, "forms.f: consent_text is missing"),
        (
            {"forms": {"f": {"consent_text": {"fr": "Oui"}}}},
            "file: forms.f has no consent_text in 'en'",
        ),
        (
            {"forms": {"f": {"redirect": "https://evil.example/x"}}},
            "file: forms.f leads to 'evil.example', which is neither url nor an origin",
        ),
        ({"forms": {"f": {"redirect": "javascript:alert(1)"}}}, "forms.f.redirect: "),
        ({"forms": {"f": {"fields": {"email": {}}}}}, "forms.f: 'email' is part of every form"),
        ({"forms": {"f": {"fields": {"website": {}}}}}, "forms.f: 'website' is part of every"),
        (
            {"forms": {"f": {"fields": {"x": {"type": "date", "choices": ["a"]}}}}},
            "forms.f.fields.x: choices are texts",
        ),
        ({"forms": {"The Form": {}}}, "forms.The Form: "),
        ({"forms": {"f": {"per_hour": 0}}}, "forms.f.per_hour: "),
        ({"origins": ["shop.example"]}, "origins[0]: "),
        ({"origins": ["*"]}, "origins[0]: "),
        ({"origins": ["http://shop.example"]}, "origins[0]: "),
        (
            {"topic_titles": {"fr": {"sales": "Soldes"}}},
            "file: topic_titles names 'sales', which is not among topics",
        ),
        ({"paused": "often"}, "paused: should be a valid boolean"),
    ],
)
def test_invalid_setting_is_reported_with_its_location(changes: Json, expected: str) -> None:
    assert any(problem.startswith(expected) for problem in problems(**changes)), problems(**changes)


def test_form_redirect_can_lead_to_the_shop_and_its_origins() -> None:
    pages = ("https://shop.example/thanks", "https://www.shop.example/danke")
    forms = {f"f{n}": {"redirect": page} for n, page in enumerate(pages)}
    assert problems(forms=forms, origins=["https://www.shop.example"]) == []


def test_topic_title_follows_locale_and_falls_back() -> None:
    titles = {"fa": {"offers": "پیشنهادها"}}
    settings = StoreSettings(topics={"offers": "Offers", "news": "News"}, topic_titles=titles)
    lookups = [("offers", "fa-IR"), ("news", "fa"), ("offers", "en"), ("gone", "fa")]
    assert [settings.title_of(*each) for each in lookups] == ["پیشنهادها", "News", "Offers", "gone"]


SENDING: Json = {
    "quiet_hours": {"from": "21:00", "to": "08:00"},
    "closed_days": {"weekdays": ["sunday"], "dates": ["12-25", "02-29", "2026-11-27"]},
    "caps": {"per_day": 1, "per_week": 25},
    "smart_sending": "16 hours",
}


def test_sending_limits_round_trip_to_store_settings() -> None:
    written = read(**SENDING).model_dump(mode="json", by_alias=True, exclude_none=True)
    seen = StoreSettings.from_json(json.loads(json.dumps(written)))
    assert {name: getattr(seen, name) for name in SENDING} == SENDING
    one = read(caps={"per_week": 3}).model_dump(mode="json", exclude_none=True)
    assert StoreSettings.from_json(one).caps == {"per_week": 3}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("quiet_hours", {"from": "21:00", "to": "21:00"}, "leave quiet_hours out to mail at any"),
        ("quiet_hours", {"from": "9pm", "to": "08:00"}, "quiet_hours.from: '9pm' is not a time of"),
        ("quiet_hours", {"from": "21:00"}, "quiet_hours.to: "),
        ("closed_days", {"weekdays": ["sonday"]}, 'did you mean "sunday"?'),
        ("closed_days", {"weekdays": list(WEEKDAYS)}, "every day of the week is closed"),
        ("closed_days", {"dates": ["12-32"]}, "'12-32' is not a day: write it like '2028-12-25'"),
        ("closed_days", {"dates": ["2026-02-29"]}, "'2026-02-29' is not a day"),
        ("closed_days", {"dates": ["25.12."]}, "'25.12.' is not a day"),
        ("caps", {"per_day": 0}, "caps.per_day: "),
        ("caps", {"per_week": 26}, "caps.per_week: "),
        ("caps", {"per_month": 1}, "caps.per_month: is not a field that is known here"),
        ("caps", {"per_day": 4, "per_week": 3}, "it would never be reached"),
        ("smart_sending", "16h", "smart_sending: '16h' is not a duration: write it like '4 hours'"),
        ("smart_sending", "0 hours", "is no time at all"),
    ],
)
def test_invalid_sending_limit_is_reported_with_location_and_remedy(
    key: str, value: object, expected: str
) -> None:
    (problem,) = problems(**{key: value})
    assert problem.startswith(key)
    assert expected in problem
