"""How much CPU time the `milepost` command takes, including Python's start and end."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import REPOSITORY

CALLS = {"help": ("--help",), "check": ("check", "workflows")}
RUNS = 9


def measure_command() -> dict[str, float]:
    """CPU seconds (user and system) by call: the minimum of several runs.

    The first run of each call is not counted, because it compiles what it imports.
    """
    with tempfile.TemporaryDirectory() as bytecode:
        measured = {}
        for name, arguments in CALLS.items():
            _first, *took = (_cpu(arguments, Path(bytecode)) for _ in range(RUNS + 1))
            measured[name] = round(min(took), 3)
        return measured


def environment(bytecode: Path) -> dict[str, str]:
    """The environment in which a process finds the command and can write its bytecode."""
    paths = [str(REPOSITORY / folder) for folder in ("layers/common", "tools")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONPYCACHEPREFIX": str(bytecode)}


def _cpu(arguments: tuple[str, ...], bytecode: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "milepost_tools", *arguments],
        check=True,
        cwd=REPOSITORY,
        env=environment(bytecode),
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    print(measure_command())
