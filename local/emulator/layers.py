"""Lambda layers: unpacked once, not once for every worker.

A layer is the same read-only folder for all that mount it. MiniStack unpacks its own copy for each
worker, a second of work and tens of megabytes at every cold start.
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
    """A zip file that leaves a link to the one copy of its contents where that is a layer's."""

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
    """Give the worker runtime the zip file above; raises AttributeError when it uses another."""
    lambda_runtime.zipfile = SimpleNamespace(
        **{**vars(lambda_runtime.zipfile), "ZipFile": SharedZip}
    )
