"""Every port in its two implementations: a test that asks for `ports` runs against both."""

from collections.abc import Iterator

import pytest

from tests.support.ports import Cloud, Ports, cloud, dynamo_ports, memory_ports


@pytest.fixture(scope="module")
def aws() -> Iterator[Cloud]:
    with cloud() as imitated:
        yield imitated


@pytest.fixture(params=["memory", "dynamodb"])
def ports(request: pytest.FixtureRequest) -> Ports:
    if request.param == "memory":
        return memory_ports()
    return dynamo_ports(request.getfixturevalue("aws"))
