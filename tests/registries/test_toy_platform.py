"""A shop platform is its folder, a row of `PLATFORMS`, and its keys in `KEYS`."""

import pytest

from milepost.contacts.event import TRUSTED_SOURCES
from milepost.shops import PLATFORMS
from milepost.stores.keys import KEYS
from tests.support.template import ROOT
from tests.support.toys import play


@pytest.mark.no_cover
def test_a_platform_and_its_keys_are_all_that_its_webhook_needs() -> None:
    play("toy_platform")


def test_every_platform_has_a_secret_of_its_own_and_is_trusted() -> None:
    signing = {key.platform for key in KEYS.values() if key.platform and key.secret}
    assert signing == PLATFORMS.keys()
    assert {"api", "import", *PLATFORMS} == TRUSTED_SOURCES
    for name, load in PLATFORMS.items():
        platform = load()
        assert platform.name == name
        assert KEYS[platform.secret].secret
        assert not KEYS[platform.shop].secret
        assert {KEYS[platform.secret].platform, KEYS[platform.shop].platform} == {name}


def test_every_key_is_in_the_api_page() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert [name for name in KEYS if f"`{name}`" not in page] == []
