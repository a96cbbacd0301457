"""Hypothesis looks at the same examples every time, so that a failure is the change's own, and
however long it takes, for a busy machine is no mistake.

`HYPOTHESIS_PROFILE=search` looks for new ones; what it finds becomes an `@example`.

Where several processes share the tests, files are given out in the order of `FOLDERS`.

What goes the same ways hundreds of times is not watched for coverage (`no_cover`): watching takes
as long as the test itself and shows nothing new. Laws of Hypothesis are marked so here, and the
folders that go the ways of others with hostile input and with faults.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("repeat", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
# A real browser looks at readers' pages if make finds one.
collect_ignore = [] if os.environ.get("MILEPOST_BROWSER") else ["browser"]

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

FOLDERS = [
    "stack", "browser", "local", "faults", "security", "journeys", "contract", "integration", "cli",
    "unit",
]  # fmt: skip
"""Those that wait for an emulator begin first, and small files come last: no core is idle long."""
UNWATCHED = {"faults", "security"}
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        is_law = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_law or _folder(item) in UNWATCHED:
            item.add_marker("no_cover")
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Which turn a test has; a folder that has none yet is taken for a slow one."""
    folder = _folder(item)
    return FOLDERS.index(folder) if folder in FOLDERS else 0


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is run by one process; all files that need the deployed stack are, so that it is
    deployed once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # or the files with most tests would come first
    scheduling = LoadFileScheduling(config, log)
    scheduling._split_scope = _file_or_stack
    return scheduling


def _file_or_stack(test: str) -> str:
    file = test.partition("::")[0]
    return "stack" if "/stack/" in file else file
