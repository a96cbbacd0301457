"""The layer as Lambda would mount it, with bytecode and without."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3

from bench import REPOSITORY


def build_layer(folder: Path) -> Path:
    """Build the layer for this machine; returns the folder that goes on the path."""
    subprocess.run(
        [sys.executable, str(REPOSITORY / "layers/common/build.py"), str(folder)],
        check=True,
        env={**os.environ, "MILEPOST_BUILD_FOR": "host"},
        stdout=subprocess.DEVNULL,
    )
    return folder / "python"


def without_bytecode(layer: Path, folder: Path) -> Path:
    """A copy of the layer without bytecode, which Python has to compile at import."""
    shutil.copytree(layer, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


RUNTIME = ("boto3", "botocore", "s3transfer", "dateutil", "six.py", "urllib3", "jmespath")
"""The packages of Lambda's Python runtime: boto3 and its dependencies."""


def runtime(folder: Path) -> Path:
    """A folder with only the packages of Lambda's runtime, linked from this environment."""
    folder.mkdir()
    home = Path(boto3.__file__).parent.parent
    for name in RUNTIME:
        (folder / name).symlink_to(home / name)
    return folder
