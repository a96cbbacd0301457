"""A built wheel provides the `milepost` command in a folder without a checkout.

The environment's setuptools builds the wheel without network access from a copy of the files that
git tracks. It is installed into a folder of its own. The packages that it depends on are those of
this environment.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.support.template import ROOT

pytestmark = pytest.mark.slow

PACKAGES = (Path("layers/common/milepost"), Path("tools/milepost_tools"))
REQUIREMENTS = (Path("layers/common/requirements.in"), Path("requirements/command.in"))
OTHERS = (Path("pyproject.toml"), Path("README.md"), Path("LICENSE"))
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.py[co]")


def pip(*arguments: object) -> None:
    """Run this environment's pip without network access."""
    command = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, *(str(each) for each in arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=NOT_SOURCE)
    for file in (*REQUIREMENTS, *OTHERS):
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, source / file)
    built = tmp_path_factory.mktemp("built")
    pip("wheel", "--no-index", "--no-build-isolation", "--no-deps", "-w", built, source)
    (made,) = built.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-index", "--no-deps", "--no-compile", "--target", folder, wheel)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marketer's folder: the example store, and nothing else of this project."""
    return shutil.copytree(ROOT / "workflows", tmp_path_factory.mktemp("marketer") / "store")


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """Run the installed command in a folder and return what it prints; it must succeed."""
    done = subprocess.run(
        [installed / "bin" / "milepost", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_wheel_contains_exactly_both_packages(wheel: Path) -> None:
    source = {
        path.relative_to((ROOT / package).parent).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert held == source


def test_wheel_requires_packages_of_layer_and_command(wheel: Path) -> None:
    wanted = [
        line
        for file in REQUIREMENTS
        for line in (ROOT / file).read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    with zipfile.ZipFile(wheel) as opened:
        (metadata,) = (name for name in opened.namelist() if name.endswith("/METADATA"))
        told = Parser().parsestr(opened.read(metadata).decode())
    needs = told.get_all("Requires-Dist", [])
    assert sorted(map(_spelled, needs)) == sorted(map(_spelled, wanted))


def _spelled(requirement: str) -> tuple[str, ...]:
    """The name and the sorted bounds: `a>=1,<2` and `a<2,>=1` are equal."""
    name, *bounds = re.split(r"(?=[<>=])", requirement.replace(" ", ""), maxsplit=1)
    return (name, *sorted(",".join(bounds).split(",")))


def test_installed_command_checks_a_store(installed: Path, store: Path) -> None:
    printed = run(installed, store.parent, "check", "store")
    assert printed == "3 workflows, 2 segments, 6 templates: all good\n"


def test_installed_command_prints_schema(installed: Path, store: Path) -> None:
    schema = (ROOT / "workflows" / "schema" / "workflow.schema.json").read_text("utf-8")
    assert run(installed, store, "schema") == schema


def test_installed_command_writes_a_preview(installed: Path, store: Path) -> None:
    run(installed, store, "preview", "welcome/hello", "--out", "seen")
    assert "<html" in (store / "seen" / "index.html").read_text("utf-8")


def test_installed_command_runs_workflow_tests(installed: Path, store: Path) -> None:
    assert run(installed, store.parent, "test", "store").endswith("all good\n")


def test_installed_command_does_not_use_checkout(installed: Path, store: Path) -> None:
    question = "import milepost, milepost_tools; print(milepost.__file__, milepost_tools.__file__)"
    told = subprocess.run(
        [sys.executable, "-c", question],
        capture_output=True,
        text=True,
        check=True,
        cwd=store,
        env={"PYTHONPATH": str(installed)},
    ).stdout.split()
    assert all(Path(file).is_relative_to(installed) for file in told)
