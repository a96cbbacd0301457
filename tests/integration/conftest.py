"""An AWS account in memory for each module, a new store and a watched log for each test."""

from collections.abc import Iterator

import pytest

from tests.support.cloud import Cloud, Printed, Shop, capture_prints, open_cloud


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with open_cloud() as account:
        yield account


@pytest.fixture(autouse=True)
def printed(capsys: pytest.CaptureFixture[str]) -> Iterator[Printed]:
    """Fails every test during which something personal or secret was printed."""
    with capture_prints(capsys) as watched:
        yield watched


@pytest.fixture
def shop(cloud: Cloud, printed: Printed) -> Shop:
    opened = cloud.open_shop()
    printed.forbid(*opened.secrets)
    return opened
