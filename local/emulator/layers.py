"""Lambda layers: unpacked once, not once for every worker.

A layer is the same read-only folder for every function that mounts it. MiniStack unpacks a copy for
each worker: a second of work and tens of megabytes at every cold start.
"""

import hashlib
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

_unpacking = threading.Lock()


class SharedZip(zipfile.ZipFile):
    """A zip file that is replaced by a link to the shared copy if it is a layer."""

    def extractall(self, path: Any = None, *arguments: Any, **names: Any) -> None:
        target = Path(path or ".")
        if self.filename is None or not target.name.startswith("layer_"):
            super().extractall(path, *arguments, **names)
            return
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir()) / "layers" / digest
        with _unpacking:
            if not shared.exists():
                unfinished = shared.with_suffix(".unfinished")
                super().extractall(unfinished)
                unfinished.rename(shared)
        target.rmdir()
        target.symlink_to(shared, target_is_directory=True)


def apply() -> None:
    """Make the worker runtime use SharedZip. Raises AttributeError if the runtime has changed."""
    lambda_runtime.zipfile = SimpleNamespace(
        **{**vars(lambda_runtime.zipfile), "ZipFile": SharedZip}
    )
