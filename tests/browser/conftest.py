"""Fixtures: a store with its public pages, and a browser."""

from collections.abc import Iterator

import httpx
import pytest

from tests.browser.driver import Browser, browser, chromedriver
from tests.browser.site import Pages, serving
from tests.support.cloud import Cloud, Shop, open_cloud

KEY = "browser-key"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with open_cloud() as account:
        yield account


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


@pytest.fixture(scope="module")
def site(cloud: Cloud, pages: Pages) -> Iterator[str]:
    with serving(pages) as address:
        yield address


@pytest.fixture(scope="module")
def driver() -> Iterator[httpx.Client]:
    with chromedriver() as client:
        yield client


@pytest.fixture(scope="module")
def window(driver: httpx.Client) -> Iterator[Browser]:
    with browser(driver) as opened:
        yield opened


@pytest.fixture
def shop(cloud: Cloud) -> Shop:
    return cloud.open_shop(browser_key=KEY)
