"""requirements/venv.py knows a good environment from any other, and says what a bad one needs."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.template import ROOT


@pytest.fixture
def setup(tmp_path: Path) -> ModuleType:
    """The script of a project in a folder of its own, whose lock files name no package."""
    folder = tmp_path / "project" / "requirements"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "requirements" / "venv.py", folder)
    for lock in ("dev", "local", "installer"):
        (folder / f"{lock}.txt").write_text(f"# {lock}\n")
    spec = importlib.util.spec_from_file_location("milepost_setup", folder / "venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def installed(setup: ModuleType, lock: str) -> Path:
    """An environment in which `lock` was installed to the end."""
    venv: Path = setup.HERE.parent / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    setup.stamp_of(venv).write_text(setup.stamp_for(venv, lock))
    return venv


def test_an_environment_that_is_whole_is_left_alone(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    (venv / "mine").touch()
    setup.ensure(venv, "dev")
    assert (venv / "mine").exists()


def test_the_larger_environment_serves_the_smaller_purpose(setup: ModuleType) -> None:
    assert setup.is_ready(installed(setup, "dev"), "local")


def test_the_smaller_environment_does_not_serve_the_larger_purpose(setup: ModuleType) -> None:
    assert not setup.is_ready(installed(setup, "local"), "dev")


def test_an_install_that_was_interrupted_is_noticed(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    setup.stamp_of(venv).unlink()
    assert not setup.is_ready(venv, "dev")


def test_a_new_lock_file_is_noticed(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    (setup.HERE / "dev.txt").write_text("# other packages\n")
    assert not setup.is_ready(venv, "dev")


def test_a_folder_that_moved_is_noticed(setup: ModuleType, tmp_path: Path) -> None:
    moved = installed(setup, "dev").rename(tmp_path / ".venv")
    assert not setup.is_ready(moved, "dev")


def test_a_python_that_went_away_is_noticed(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    setup.interpreter(venv).unlink()
    assert not setup.is_ready(venv, "dev")


def test_no_environment_is_no_error(setup: ModuleType, tmp_path: Path) -> None:
    assert not setup.is_ready(tmp_path / "nothing", "dev")


def test_the_command_runs_the_library_of_its_own_project(setup: ModuleType, tmp_path: Path) -> None:
    venv = installed(setup, "local")
    setup.add_command(venv)
    package = venv.parent / "tools" / "milepost_tools"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text("import sys; print(sys.argv[1:], sys.prefix)")
    answer = subprocess.run(
        [venv / "bin" / "milepost", "check", "a folder"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert answer.stdout.strip() == f"['check', 'a folder'] {venv}"


def test_a_python_without_venv_is_told_which_package_brings_it(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    package = "apt install python{}.{}-venv".format(*sys.version_info[:2])
    with pytest.raises(setup.SetupError, match=package):
        setup.check_python()


def test_a_python_that_is_too_old_is_told_the_version_it_takes(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "OLDEST", (99, 0))
    with pytest.raises(setup.SetupError, match=r"needs Python 3\.11 or newer"):
        setup.check_python()
