"""docs/tutorial.md, followed exactly on the deployed stack.

The tutorial's blocks tell what they are: a file (its path follows the language), commands with
their output (`console`; `exit=1` if they fail), or the setup, which the stack of these tests
replaces.
"""

import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from local import __main__ as local_command
from local.aws import REPOSITORY
from local.stack import client
from tests.stack.conftest import Deployed
from tests.support.commands import milepost

pytestmark = pytest.mark.stack

PAGE = REPOSITORY / "docs" / "tutorial.md"
STORE = "acme"


class Block(NamedTuple):
    """A fenced block: the language, the rest of that line, and the text."""

    language: str
    info: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^```(\w*) ?(.*)\n((?:.*\n)*?)```$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [Block(*each) for each in found]


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output on the page."""
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def run(command: str, capture: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command; return its exit code and its output."""
    match shlex.split(command):
        case ["milepost", *arguments]:
            answer = milepost(*arguments)
            return answer.code, answer.out + answer.err
        case ["python", "-m", "local", *arguments]:
            code = local_command.main(arguments)
            return code, "".join(capture.readouterr())
        case ["mkdir" | "cp", *_] as words:
            done = subprocess.run(words, check=False, capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr
    raise AssertionError(f"the tutorial has a command that this test cannot run: {command}")


def test_tutorial_commands_print_documented_output(
    deployed: Deployed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client, "RUN_FOLDER", deployed.stack.run_folder)
    deployed.stack.add_store(STORE)
    capsys.readouterr()
    for block in blocks():
        if block.language == "console":
            for command, printed in commands(block):
                code, out = run(command, capsys)
                assert out == printed, command
                assert code == int(block.info.removeprefix("exit=") or 0), command
        elif block.info != "setup":
            Path(block.info).write_text(block.text, "utf-8")


def test_tutorial_setup_commands_exist() -> None:
    lines = [line for block in blocks() if block.info == "setup" for line in block.text.split("\n")]
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    started = []
    for words in (shlex.split(line) for line in lines if line):
        match words:
            case ["make", target]:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE)
            case ["source", ".venv/bin/activate"]:
                pass
            case ["python", "-m", "local", *arguments]:
                started.append(local_command.parse(arguments))
            case _:
                raise AssertionError(words)
    assert [(each.command, each.store, each.speed) for each in started] == [("up", [STORE], 3600)]
