"""Make .venv contain exactly the packages of a lock file: `python requirements/venv.py local|dev`.

The Makefile runs this first, on any Python from 3.11 on, with nothing installed. If the environment
is correct, the check takes a few hundredths of a second. Otherwise (first run, new lock file, moved
folder, interrupted install, a Python that was removed) it is created anew, because a repaired
environment might differ from the locked one.
"""

# Keep this module importable by an old Python, so that it can print the remedy.
from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST = (3, 11)
# Each lock file contains everything in the ones after it.
LOCKS = ("dev", "local")
# The command of this project, wherever the environment's folder is now.
COMMAND = """#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
export PYTHONPATH="$here/../../layers/common:$here/../../tools${PYTHONPATH:+:$PYTHONPATH}"
exec "$here/python" -m milepost_tools "$@"
"""


class SetupError(Exception):
    """The environment cannot be created; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Prepare .venv for `local` or `dev`; on failure print a message and return 1."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print(f"usage: venv.py {'|'.join(LOCKS)}", file=sys.stderr)
        return 1
    try:
        ensure(HERE.parent / ".venv", arguments[0])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def ensure(venv: Path, wanted: str) -> None:
    """Return at once if `venv` is ready for `wanted`; otherwise create it anew."""
    if is_ready(venv, wanted):
        return
    check_python()
    print(f"Installing the packages of requirements/{wanted}.txt into {venv.name}.", flush=True)
    create(venv)
    install(venv, wanted)
    add_command(venv)
    stamp_of(venv).write_text(stamp_for(venv, wanted))


def is_ready(venv: Path, wanted: str) -> bool:
    """Whether `wanted`, or a lock that contains it, is completely installed there and still
    runs."""
    good_enough = [stamp_for(venv, lock) for lock in LOCKS[: LOCKS.index(wanted) + 1]]
    return read(stamp_of(venv)) in good_enough and works(venv)


def stamp_of(venv: Path) -> Path:
    """The stamp file. It is written last, when everything is installed."""
    return venv / "milepost.json"


def stamp_for(venv: Path, lock: str) -> str:
    """The stamp's text: which lock file, its content's hash, and the folder."""
    content = hashlib.sha256((HERE / f"{lock}.txt").read_bytes()).hexdigest()
    return json.dumps({"lock": lock, "sha256": content, "made_for": str(venv)})


def read(stamp: Path) -> str | None:
    """The stamp's text, or None if there is none."""
    try:
        return stamp.read_text()
    except OSError:
        return None


def interpreter(venv: Path) -> Path:
    """The environment's Python."""
    return venv / "bin" / "python"


def works(venv: Path) -> bool:
    """Whether the environment's Python still runs and is recent enough."""
    question = f"import sys; sys.exit(sys.version_info < {OLDEST} or sys.prefix == sys.base_prefix)"
    try:
        return subprocess.run([interpreter(venv), "-c", question], check=False).returncode == 0
    except OSError:
        return False


def check_python() -> None:
    """Refuse a Python that cannot create an environment, and print the remedy."""
    version = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info < OLDEST:
        raise SetupError(f"Milepost needs Python 3.11 or newer; {sys.executable} is {version}.")
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        raise SetupError(
            f"{sys.executable} cannot make virtual environments: its venv or ensurepip module is "
            f"missing. On Debian and Ubuntu, `apt install python{version}-venv` brings both."
        )


def create(venv: Path) -> None:
    """Create an empty environment and replace the old one."""
    command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SetupError(f"The virtual environment {venv} could not be made; the reason is above.")


def install(venv: Path, lock: str) -> None:
    """Install a lock file with uv, or with pip if uv cannot (it reads no pip.conf)."""
    python = str(interpreter(venv))
    # The lock is complete and hashed, so pip must not resolve dependencies.
    locked = ["--require-hashes", "--no-deps", "--requirement"]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *locked]
    uv = [str(venv / "bin" / "uv"), "pip", "install", "--quiet", "--python", python, *locked]
    if run([*pip, "installer.txt"]) and run([*uv, f"{lock}.txt"]):
        return
    print("uv did not serve; pip is tried, which takes a minute or two.", flush=True)
    if not run([*pip, f"{lock}.txt"]):
        raise SetupError(
            f"The packages of requirements/{lock}.txt could not be installed; pip's own words are "
            f"above. It needs a package index, either PyPI or one that its configuration names."
        )


def add_command(venv: Path) -> None:
    """Write `bin/milepost`, because the project itself is not installed in this folder."""
    script = venv / "bin" / "milepost"
    script.write_text(COMMAND)
    script.chmod(0o755)


def run(command: list[str]) -> bool:
    """Run a command in requirements/ and return whether it succeeded."""
    return subprocess.run(command, cwd=HERE, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
