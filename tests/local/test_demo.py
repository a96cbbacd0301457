"""The exit code of `make demo`."""

import io
import sys
import threading
from types import SimpleNamespace
from typing import Any, Self

import pytest

from local import __main__ as command
from local.demo import run


class Stage:
    """Stands in for the running stack."""

    inbox_url = api_url = "http://localhost:1"

    def __init__(self, **_: Any) -> None:
        self.secrets = {"demo": SimpleNamespace(bearer_key="a key")}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Pressed:
    """An event that is set as by Ctrl-C."""

    def wait(self) -> None:
        raise KeyboardInterrupt


def plays(differences: list[str], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(run, "LocalStack", Stage)
    patch.setattr(run, "_play", lambda *_: differences)


@pytest.mark.parametrize(("differences", "code"), [([], 0), (["Noor got 2 mails, told 1"], 1)])
@pytest.mark.parametrize("screen", [io.StringIO, Terminal])
def test_demo_exit_code_tells_whether_results_match(
    differences: list[str],
    code: int,
    screen: type[io.StringIO],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plays(differences, monkeypatch)
    monkeypatch.setattr(threading, "Event", Pressed)
    monkeypatch.setattr(sys, "stdout", screen())
    assert run.run_demo() == code


def test_interrupted_demo_exits_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_demo", interrupted)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert command.main(["demo"]) == 1
