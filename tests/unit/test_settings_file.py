import json
from typing import Any

import pytest

from milepost.domain.reading import read_file
from milepost.domain.settings import StoreSettings
from milepost.domain.settings_file import SettingsFile
from tests.support import builders

Json = dict[str, Any]


def read(**changes: Any) -> SettingsFile:
    found = read_file(json.dumps(builders.settings(**changes)), SettingsFile)
    assert isinstance(found, SettingsFile), found
    return found


def problems(**changes: Any) -> list[str]:
    document = {k: v for k, v in builders.settings(**changes).items() if v is not ...}
    found = read_file(json.dumps(document), SettingsFile)
    return [str(problem) for problem in found] if isinstance(found, list) else []


def test_what_the_file_says_is_what_the_functions_see() -> None:
    written = read(
        currency="NOK",
        timezone="Europe/Oslo",
        default_locale="nb",
        locales=["nb", "en"],
        reply_to="Hello@Harborline.example",
        logo_url="https://shop.example/logo.png",
        paused=True,
    )
    kept = json.loads(json.dumps(written.model_dump(mode="json", exclude_none=True)))
    assert StoreSettings.from_json(kept) == StoreSettings(
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
    )


def test_settings_that_nobody_published_are_harmless() -> None:
    nothing = StoreSettings.from_json({})
    assert nothing == StoreSettings()
    assert nothing.topics is None
    assert not nothing.paused


def test_settings_of_a_later_version_are_read_as_far_as_they_are_known() -> None:
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
        ({"paused": "often"}, "paused: should be a valid boolean"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place(changes: Json, expected: str) -> None:
    assert any(problem.startswith(expected) for problem in problems(**changes)), problems(**changes)
