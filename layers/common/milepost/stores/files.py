from __future__ import annotations

from typing import Protocol


class StoreFiles(Protocol):
    """A store's files: workflows, templates and settings in, reports out."""

    def read(self, store: str, path: str) -> str | None:
        """The file's text as it is now; None if there is none."""

    def folder(self, store: str, path: str) -> dict[str, str]:
        """The texts of the files directly in a folder, by name."""

    def paths(self, store: str, folder: str) -> list[str]:
        """The paths of all files below a folder, in order."""

    def write(self, store: str, path: str, text: str) -> None: ...
