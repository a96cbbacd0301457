"""The layer's packages, downloaded once: a second build needs no index and half the time.

The layer's build asks pip for the locked packages whenever a line of our code has changed. Here pip
uses a folder of wheels that was filled for this lock file and interpreter.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from local.errors import LocalError


def wheelhouse(requirements: Path, folder: Path) -> Path:
    """A folder with the wheels of a lock file; filled on first use. Raises LocalError."""
    content = requirements.read_bytes() + str(sys.implementation.cache_tag).encode()
    wheels = folder / hashlib.sha256(content).hexdigest()[:16]
    if wheels.exists():
        return wheels
    shutil.rmtree(folder, ignore_errors=True)
    unfinished = folder / "unfinished"
    unfinished.mkdir(parents=True)
    fetched = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes"),
            *("--dest", str(unfinished), "--requirement", str(requirements)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode != 0:
        raise LocalError(
            f"The packages in {requirements} could not be fetched; is the package index in reach?\n"
            f"{fetched.stderr.strip()[-2000:]}"
        )
    return unfinished.rename(wheels)


def pip_settings(requirements: Path, folder: Path) -> dict[str, str]:
    """The environment that makes pip use the wheels; empty if there is no lock file."""
    if not requirements.exists():
        return {}
    # A URL, because pip splits the setting at spaces, and a folder's name may contain one.
    wheels = wheelhouse(requirements, folder).resolve().as_uri()
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels}
