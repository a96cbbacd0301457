"""The command line as tests call it: on a small shop's files in a temporary folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from milepost_tools.cli import output
from milepost_tools.cli.app import app
from tests.support.builders import Content, text


@dataclass(frozen=True)
class Answer:
    """The result of a command: its exit code and its output."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def milepost(*arguments: object, terminal: bool = False) -> Answer:
    """Run `milepost` with these arguments; a traceback fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "at_a_terminal", lambda: terminal)
        done = CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)


def write(folder: Path, files: Mapping[str, Content]) -> Path:
    """Write a shop's files by their paths in the bucket."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(content), "utf-8")
    return folder
