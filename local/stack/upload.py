"""The paths of a store folder's files in the bucket."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_LAST = "workflows"
_OWN = {"settings.json", "scoring.json"}


def store_paths(folder: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Each file with its path below `{store}/`: settings, templates, and workflows last.

    Workflow files are at the top of the folder, or in `workflows/` as in the bucket. Schemas are
    for editors and are not uploaded.
    """
    found = [
        (_place(PurePosixPath(file.relative_to(folder).as_posix())), file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "schema" not in file.relative_to(folder).parts
    ]
    yield from sorted(found, key=lambda pair: (pair[0].parts[0] == _LAST, str(pair[0])))


def _place(path: PurePosixPath) -> PurePosixPath:
    at_the_top = len(path.parts) == 1 and path.suffix == ".json" and path.name not in _OWN
    return _LAST / path if at_the_top else path
