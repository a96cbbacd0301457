"""The layer fits Lambda rather than this machine, is reproducible, and contains bytecode."""

import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.template import ROOT

pytestmark = pytest.mark.slow

LAYER = ROOT / "layers" / "common"
LOCKS = [
    LAYER / "requirements.txt",
    *(ROOT / "requirements" / f"{name}.txt" for name in ("dev", "installer", "local")),
]
ELF_AARCH64 = 183
# AWS allows 250 MB for function and layers together; this limit is lower and detects an unwanted
# package.
LARGEST = 80_000_000
PINNED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("layer_build", LAYER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_copy(folder: Path) -> Path:
    """The layer's folder with a package of one module and nothing to install, as sam copies it."""
    layer = folder / "source"
    (layer / "milepost" / "__pycache__").mkdir(parents=True)
    (layer / "milepost" / "__init__.py").write_text('NAMES = frozenset({"a", "b", "c"})\n')
    (layer / "milepost" / "py.typed").touch()
    (layer / "milepost" / "__pycache__" / "old.cpython-311.pyc").touch()
    (layer / "requirements.txt").write_text("# nothing\n")
    for name in ("Makefile", "build.py"):
        shutil.copy(LAYER / name, layer / name)
    return layer


def make(layer: Path, artifacts: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run what `sam build` runs, with a PATH that has a shell and make but no Python."""
    environment = {"PATH": str(tools(layer)), "MILEPOST_PYTHON": sys.executable, **settings}
    artifacts.mkdir(exist_ok=True)
    return subprocess.run(
        ["make", "build-CommonLayer"],
        cwd=layer,
        env=environment | {"ARTIFACTS_DIR": str(artifacts)},
        capture_output=True,
        text=True,
        check=False,
    )


def tools(beside: Path) -> Path:
    folder = beside.parent / "tools"
    if not folder.exists():
        folder.mkdir()
        for name in ("sh", "make"):
            found = shutil.which(name)
            assert found is not None
            (folder / name).symlink_to(found)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_local_layer_contains_package_and_bytecode(tmp_path: Path) -> None:
    done = make(small_copy(tmp_path), tmp_path / "out", MILEPOST_BUILD_FOR="host")
    assert done.returncode == 0, done.stderr
    assert set(contents(tmp_path / "out")) == {
        "python/milepost/__init__.py",
        "python/milepost/py.typed",
        f"python/milepost/__pycache__/__init__.{sys.implementation.cache_tag}.pyc",
    }


def test_layer_bytecode_is_not_checked_against_source(tmp_path: Path) -> None:
    make(small_copy(tmp_path), tmp_path / "out", MILEPOST_BUILD_FOR="host")
    (compiled,) = (tmp_path / "out").rglob("*.pyc")
    _magic, flags = struct.unpack("<4sI", compiled.read_bytes()[:8])
    assert flags == 0b01  # hash-based and unchecked (PEP 552)


def test_layer_builds_are_reproducible(tmp_path: Path) -> None:
    layer = small_copy(tmp_path)
    for name in ("one", "two"):
        make(layer, tmp_path / name, MILEPOST_BUILD_FOR="host", PYTHONHASHSEED=str(len(name)))
        layer = layer.rename(tmp_path / f"moved-{name}")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_second_build_removes_files_of_first(tmp_path: Path) -> None:
    layer = small_copy(tmp_path)
    make(layer, tmp_path / "out", MILEPOST_BUILD_FOR="host")
    (layer / "milepost" / "__init__.py").rename(layer / "milepost" / "renamed.py")
    make(layer, tmp_path / "out", MILEPOST_BUILD_FOR="host")
    assert [path for path in contents(tmp_path / "out") if "__init__" in path] == []


def test_missing_lambda_python_prints_what_is_lost(tmp_path: Path) -> None:
    build = load_build()
    done = make(small_copy(tmp_path), tmp_path / "out")
    bytecode = list((tmp_path / "out").rglob("*.pyc"))
    assert done.returncode == 0, done.stderr
    if f"{sys.version_info.major}.{sys.version_info.minor}" == build.LAMBDA_PYTHON:
        assert (len(bytecode), done.stderr) == (1, "")
    else:
        assert (bytecode, build.NO_BYTECODE in done.stderr) == ([], True)


def test_broken_python_on_path_is_ignored(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    build = load_build()
    assert build.version_of(str(shim)) is None
    assert build.version_of(str(tmp_path / "nowhere")) is None
    assert build.version_of(sys.executable) == "{}.{}".format(*sys.version_info[:2])


def test_unknown_architecture_is_refused_with_known_ones(tmp_path: Path) -> None:
    done = make(small_copy(tmp_path), tmp_path / "out", MILEPOST_BUILD_FOR="windows")
    assert done.returncode != 0
    assert "'windows'; it must be 'lambda' or 'host'" in done.stderr


def test_missing_python_error_names_remedy(tmp_path: Path) -> None:
    done = make(small_copy(tmp_path), tmp_path / "out", MILEPOST_PYTHON="")
    assert done.returncode != 0
    assert "Python of 3.11 or newer with pip" in done.stderr
    assert "make build" in done.stderr


@pytest.fixture(scope="module")
def lambda_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real layer as deployed; its wheels come from the package index or pip's cache."""
    artifacts = tmp_path_factory.mktemp("layer")
    done = subprocess.run(
        [sys.executable, LAYER / "build.py", artifacts],
        env={**os.environ, "MILEPOST_BUILD_FOR": "lambda"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return artifacts / "python"


def test_deployed_layer_runs_on_lambda_architecture_and_python(lambda_layer: Path) -> None:
    compiled = list(lambda_layer.rglob("*.so"))
    assert len(compiled) == 4  # css-inline, markupsafe, mrml, pydantic-core
    for library in compiled:
        assert library.name.endswith((".cpython-313-aarch64-linux-gnu.so", ".abi3.so"))
        assert struct.unpack_from("<H", library.read_bytes(), 18) == (ELF_AARCH64,)


def test_deployed_layer_has_no_boto3_and_no_programs(lambda_layer: Path) -> None:
    held = {path.name for path in lambda_layer.iterdir()}
    assert held & {"boto3", "botocore", "bin", "build.py", "Makefile", "requirements.txt"} == set()
    assert {"aws_lambda_powertools", "jinja2", "milepost", "pydantic"} <= held


def test_deployed_layer_is_small(lambda_layer: Path) -> None:
    assert sum(len(content) for content in contents(lambda_layer).values()) < LARGEST


# --- lock files ---


def pins(lock: Path) -> dict[str, str]:
    return dict(PINNED.findall(lock.read_text()))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}/{lock.name}")
def test_every_locked_package_has_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock.read_text(), flags=re.MULTILINE))
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}/{lock.name}")
def test_lock_file_names_no_package_index(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"--(extra-)?index|--find-links|-f ", text)


@pytest.mark.parametrize("lock", LOCKS[:1] + LOCKS[3:], ids=lambda lock: lock.parent.name)
def test_tests_run_with_shipped_versions(lock: Path) -> None:
    assert pins(lock).items() <= pins(ROOT / "requirements" / "dev.txt").items()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}/{lock.name}")
def test_lock_file_contains_its_inputs(lock: Path) -> None:
    asked = re.findall(r"^([A-Za-z][\w.-]*)", lock.with_suffix(".in").read_text(), re.MULTILINE)
    assert {name.lower() for name in asked} - pins(lock).keys() == set()
