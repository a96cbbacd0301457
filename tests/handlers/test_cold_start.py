import gc
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from milepost.handlers.cold_start import preload

ASKED = "import gc, milepost.handlers; print(gc.isenabled())"


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_preload_builds_everything_in_lambda(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[str] = []
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "milepost-react")
    preload(lambda: built.append("one"), lambda: built.append("two"))
    assert built == ["one", "two"]


def test_preload_builds_nothing_outside_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test or a tool that imports a handler has no stack for which to build."""
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)

    def build() -> None:
        raise AssertionError("built")

    preload(build)


def test_preload_excludes_start_objects_from_gc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "milepost-react")
    gc.disable()
    preload()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize(
    ("where", "looked_for"),
    [({"AWS_LAMBDA_FUNCTION_NAME": "milepost-react"}, "False"), ({}, "True")],
    ids=["in Lambda", "elsewhere"],
)
def test_gc_is_paused_only_during_cold_start(where: dict[str, str], looked_for: str) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **where}
    asked = subprocess.run(
        [sys.executable, "-S", "-c", ASKED],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert asked.stdout.strip() == looked_for
