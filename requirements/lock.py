"""Resolve the .in files into lock files with hashes: `make lock`.

Versions stay the same if the .in files allow it. `make lock UPGRADE=--upgrade` takes the newest;
`UPGRADE="--upgrade-package jinja2"` updates one package.

One resolution serves every Python from 3.11 on and every platform (`--universal`). The smaller lock
files are constrained to the versions of the largest, so that the layer ships exactly what the tests
ran with. The files contain no address of a package index: each machine uses its own.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV = "requirements/dev.txt"
# Each lock file and its input; dev first, because it constrains the others.
FILES = {
    DEV: "requirements/dev.in",
    "requirements/local.txt": "requirements/local.in",
    "layers/common/requirements.txt": "layers/common/requirements.in",
    "requirements/installer.txt": "requirements/installer.in",
}


def main() -> int:
    """Write every lock file. The first failure ends it with uv's own message."""
    for lock, wishes in FILES.items():
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"),
            *("--python-version", "3.11", "--generate-hashes", "--no-annotate"),
            *("--no-emit-index-url", "--no-emit-find-links"),
            *("--custom-compile-command", "make lock"),
            *(() if lock in (DEV, "requirements/installer.txt") else ("--constraints", DEV)),
            *(wishes, "--output-file", lock, *sys.argv[1:]),
        ]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            return done.returncode
        print(f"{lock} is up to date with {wishes}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
