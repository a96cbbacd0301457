"""Toys: entries that a test adds to a registry from outside the package and uses end to end.

Tables are read when modules are imported, so a toy has a process of its own. It is a plugin of
pytest, which imports plugins before anything else.
"""

import os
import subprocess
import sys

from tests.support.template import ROOT


def play(toy: str) -> None:
    """Run the tests of `tests/registries/<toy>_uses.py` with the additions of `<toy>.py`."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider"),
            *("-p", f"tests.registries.{toy}", "-p", "no:xdist", f"tests/registries/{toy}_uses.py"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["layers/common", "tools", "."])},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
