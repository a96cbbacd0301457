"""requirements/venv.py recognizes a correct environment, and names the remedy for a broken one."""

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
    """The script of a project in a folder of its own; its lock files name no package."""
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
    """An environment in which `lock` was completely installed."""
    venv: Path = setup.HERE.parent / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    setup.stamp_of(venv).write_text(setup.stamp_for(venv, lock))
    return venv


def test_complete_environment_is_unchanged(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    (venv / "mine").touch()
    setup.ensure(venv, "dev")
    assert (venv / "mine").exists()


def test_dev_environment_is_accepted_for_local(setup: ModuleType) -> None:
    assert setup.is_ready(installed(setup, "dev"), "local")


def test_local_environment_is_not_accepted_for_dev(setup: ModuleType) -> None:
    assert not setup.is_ready(installed(setup, "local"), "dev")


def test_interrupted_install_is_detected(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    setup.stamp_of(venv).unlink()
    assert not setup.is_ready(venv, "dev")


def test_new_lock_file_is_detected(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    (setup.HERE / "dev.txt").write_text("# other packages\n")
    assert not setup.is_ready(venv, "dev")


def test_moved_folder_is_detected(setup: ModuleType, tmp_path: Path) -> None:
    moved = installed(setup, "dev").rename(tmp_path / ".venv")
    assert not setup.is_ready(moved, "dev")


def test_removed_python_is_detected(setup: ModuleType) -> None:
    venv = installed(setup, "dev")
    setup.interpreter(venv).unlink()
    assert not setup.is_ready(venv, "dev")


def test_missing_environment_is_not_an_error(setup: ModuleType, tmp_path: Path) -> None:
    assert not setup.is_ready(tmp_path / "nothing", "dev")


def test_command_runs_code_of_its_own_checkout(setup: ModuleType, tmp_path: Path) -> None:
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


def test_python_without_venv_names_missing_package(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    package = "apt install python{}.{}-venv".format(*sys.version_info[:2])
    with pytest.raises(setup.SetupError, match=package):
        setup.check_python()


def test_old_python_names_required_version(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "OLDEST", (99, 0))
    with pytest.raises(setup.SetupError, match=r"needs Python 3\.11 or newer"):
        setup.check_python()
