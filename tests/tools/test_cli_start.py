"""A command imports only what it needs, and only when it runs.

`make bench` measures the time; these tests only compare the imported packages.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from milepost_tools.cli.app import COMMANDS
from tests.support.template import ROOT

CALL = """
import sys
from milepost_tools.cli.app import main
code = main(sys.argv[1:])
sys.stdout.write("\\n" + " ".join(sys.modules))
sys.exit(code)
"""
PATHS = os.pathsep.join(str(ROOT / folder) for folder in ("layers/common", "tools"))


def imported(*arguments: str) -> set[str]:
    """The modules that are loaded after the command ran in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PATHS},
    )
    return {*done.stdout.splitlines()[-1].split()}


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_help_imports_no_product_module() -> None:
    modules = imported("--help")
    assert packages(modules).isdisjoint({"milepost", "pydantic", "jinja2", "boto3", "dns", "babel"})
    commands = {command.function.partition(":")[0] for command in COMMANDS.values()}
    assert modules.isdisjoint(commands)


def test_check_imports_no_other_command_aws_or_terminal_library() -> None:
    modules = imported("check", "workflows")
    assert packages(modules).isdisjoint(
        {"boto3", "botocore", "dns", "rich", "aws_lambda_powertools"}
    )
    rooms = {".".join(module.split(".")[:2]) for module in modules}
    assert rooms.isdisjoint({"milepost.wiring", "milepost.handlers", "milepost_tools.doctor"})
    commands = {command.function.partition(":")[0] for command in COMMANDS.values()}
    assert commands & modules == {"milepost_tools.cli.check"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_first_sentence_of_command_help(name: str) -> None:
    first, _, _ = (COMMANDS[name].load().__doc__ or "").partition("\n\n")
    assert COMMANDS[name].help == " ".join(first.split())


def test_module_runs_as_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "milepost_tools", "schema", "segment"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": PATHS},
    )
    schema = ROOT / "workflows" / "schema" / "segment.schema.json"
    assert done.stdout == schema.read_text("utf-8")
