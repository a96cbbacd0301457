"""docs/command-line.md shows what the commands print."""

import re
import shlex

import pytest

from milepost.base.parse_file import parse_file
from milepost.simulator.file import WorkflowTests
from milepost.simulator.workflow_tests import run_test_file
from milepost_tools.cli.app import app
from tests.support.commands import milepost
from tests.support.template import ROOT

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "command-line.md").read_text("utf-8")
SHOWN = re.findall(r"```console\n\$ milepost (.*?)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("call", "printed"), SHOWN, ids=[call for call, _ in SHOWN])
def test_documented_command_prints_documented_output(
    call: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    answer = milepost(*shlex.split(call))
    assert (answer.out, answer.err, answer.code) == (printed, "", 0)


def test_command_page_has_examples() -> None:
    assert {call.split()[0] for call, _ in SHOWN} >= {"check", "simulate", "test"}


def test_every_command_is_documented() -> None:
    for command in app.registered_commands:
        assert f"| `{command.name} " in PAGE


def test_documented_test_case_passes() -> None:
    (example,) = re.findall(r"```jsonc\n(.*?)```", PAGE, re.DOTALL)
    assert isinstance(parse_file(example, WorkflowTests), WorkflowTests)
    folder = ROOT / "workflows"
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    files |= {f"workflows/{name}": text for name, text in files.items() if "/" not in name}
    assert run_test_file(files, example) == []


def test_every_simulate_option_is_documented() -> None:
    listed = milepost("simulate", "--help").out
    for option in re.findall(r"--[a-z]+", listed):
        assert option in PAGE or option == "--help"
