"""A store's files on this machine, under their paths in the bucket."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from milepost.base.parse_file import MAX_FILE
from milepost_tools.cli.output import fail

MAX_FILES = 10_000
_MAX_LEVELS = 6
"""How many folders above a template's file its store can be."""

_IGNORED_FOLDERS = {"schema", "reports", "node_modules"}
_KINDS = {".json", ".txt", ".mjml", ".html", ".css"}


class Store(NamedTuple):
    """A store's folder. `files` maps a path in the bucket to its text, `places` to the local
    file."""

    root: Path
    files: dict[str, str]
    places: dict[str, Path]

    def path_of(self, file: Path) -> str:
        """The path of a file or folder in the bucket; empty if it contains the whole store."""
        here, root = (Path(os.path.normpath(path.absolute())) for path in (file, self.root))
        if not here.is_relative_to(root):
            return ""
        relative = here.relative_to(root).as_posix()
        return "" if relative == "." else _bucket_path(relative)

    def shown(self, path: str) -> str:
        """The local file of a path in the bucket."""
        if path in self.places:
            return str(self.places[path])
        return str(self.root / path)


def open_store(path: Path) -> Store:
    """The store of a file or folder, with all of its files.

    Workflow files are at the top of the folder, or in `workflows/` as in the bucket. Ends the
    command if there is nothing to read.
    """
    root = find_root(path)
    files, places = {}, {}
    for file in _store_files(root):
        name = _bucket_path(file.relative_to(root).as_posix())
        files[name], places[name] = read_text(file), file
    return Store(root, files, places)


def read_text(file: Path) -> str:
    """Read a file's text, cut beyond the maximum length of our files, so that the parser refuses
    it.

    Ends the command if the file cannot be read.
    """
    if not file.exists():
        fail(f"{file}: there is no such file")
    if not file.is_file():
        fail(f"{file}: is not a file")
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE + 1).decode("utf-8", "replace")
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror or error}")


def find_root(path: Path) -> Path:
    """The nearest folder with a settings.json: at this path, below it or above it."""
    if not path.exists():
        fail(f"{path}: there is no such file or folder")
    for folder in (path, path / "workflows"):
        if (folder / "settings.json").is_file():
            return folder
    here = path if path.is_dir() else path.parent
    for _ in range(_MAX_LEVELS):
        if (here / "settings.json").is_file():
            return here
        here = here / ".." if here == Path() or here.name in {"", ".."} else here.parent
    return path if path.is_dir() else path.parent


def _store_files(root: Path) -> Iterator[Path]:
    """All files that can belong to a store, in order."""
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            f for f in folders if f not in _IGNORED_FOLDERS and not f.startswith(".")
        )
        for name in sorted(names):
            file = Path(folder, name)
            if name.startswith(".") or file.suffix not in _KINDS or not file.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                fail(f"{root}: holds more than {MAX_FILES} files: name the folder of one store")
            yield file


def _bucket_path(path: str) -> str:
    own = {"settings.json", "scoring.json"}
    at_the_top = "/" not in path and path.endswith(".json") and path not in own
    return f"workflows/{path}" if at_the_top else path
