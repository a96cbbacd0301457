"""Hypothesis looks at the same examples every time, so that a failure is the change's own, and
however long it takes, for a busy machine is no mistake.

`HYPOTHESIS_PROFILE=search` looks for new ones; what it finds becomes an `@example`. How many each
profile looks at is in `tests/support/laws.py`.

`make test` leaves out what is marked `deep`: the longest storms and kills. `make test-deep` runs
those, and every law of Hypothesis again with many more examples. `make test-fast` leaves out what
is marked `slow`, too, and the folders and files that deploy or imitate AWS.

Where several processes share the tests, files are given out in the order of `FOLDERS`.

What goes the same ways hundreds of times is not watched for coverage (`no_cover`): watching takes
as long as the test itself and shows nothing new. Laws of Hypothesis are marked so here, and the
folders that go the ways of others with hostile input, with faults and from end to end.

A test in `test_both_stores_*.py` asks for `ports` and runs against the adapters in memory and in
DynamoDB. A test in `test_functions_*.py` runs the real functions in an AWS account in memory: a
new account for each module, a new store and a watched log for each test.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import ports as both_stores
from tests.support.cloud import Cloud, Printed, Shop, capture_prints, open_cloud
from tests.support.laws import PROFILE, SHARES, how_many
from tests.support.ports import Ports, dynamo_ports, memory_ports

for profile in SHARES:
    settings.register_profile(
        profile,
        max_examples=how_many(profile=profile),
        derandomize=profile != "search",
        deadline=None,
    )
# A real browser looks at readers' pages if make finds one.
collect_ignore = [] if os.environ.get("MILEPOST_BROWSER") else ["browser"]

settings.load_profile(PROFILE)

FOLDERS = ["stack", "browser", "local", "faults", "security", "journeys", "repository", "transfer"]
"""Those that wait for an emulator begin first, and small files come last: no core is idle long."""
UNWATCHED = {"faults", "journeys", "security"}
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        is_law = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_law:
            item.add_marker("law")
        if is_law or _folder(item) in UNWATCHED:
            item.add_marker("no_cover")
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def pytest_collection_finish() -> None:
    # Thousands of tests and all modules stay to the end: the collector need not go through them.
    gc.collect()
    gc.freeze()


def _turn(item: pytest.Item) -> int:
    """Which turn a test has: slow folders in their order, then the functions, then the rest."""
    folder = _folder(item)
    if folder in FOLDERS:
        return FOLDERS.index(folder)
    return len(FOLDERS) + (not item.path.name.startswith(("test_functions_", "test_both_stores_")))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is run by one process; all files that need the deployed stack are, so that it is
    deployed once."""
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # or the files with most tests would come first
    scheduling = LoadFileScheduling(config, log)
    scheduling._split_scope = _file_or_stack
    return scheduling


def _file_or_stack(test: str) -> str:
    file = test.partition("::")[0]
    return "stack" if "/stack/" in file else file


@pytest.fixture(scope="module")
def aws() -> Iterator[both_stores.Cloud]:
    with both_stores.cloud() as imitated:
        yield imitated


@pytest.fixture(params=["memory", "dynamodb"])
def ports(request: pytest.FixtureRequest) -> Ports:
    if request.param == "memory":
        return memory_ports()
    return dynamo_ports(request.getfixturevalue("aws"))


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with open_cloud() as account:
        yield account


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Iterator[Printed]:
    """Fails every test during which something personal or secret was printed."""
    with capture_prints(capsys) as watched:
        yield watched


@pytest.fixture(autouse=True)
def _watch_what_functions_print(request: pytest.FixtureRequest) -> None:
    if request.path.name.startswith("test_functions_"):
        request.getfixturevalue("printed")


@pytest.fixture
def shop(cloud: Cloud, printed: Printed) -> Shop:
    opened = cloud.open_shop()
    printed.forbid(*opened.secrets)
    return opened
