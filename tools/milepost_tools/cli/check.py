"""`milepost check`: reports every error that publishing would find, for all files at once."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from milepost.publishing.workflows import path_of_tests
from milepost_tools.cli.check_units import SETTINGS, check_unit
from milepost_tools.cli.local_store import Store, find_root, open_store
from milepost_tools.cli.output import FileProblem, fail, print_line, show_json, show_problems, warn

LAYOUT = "templates/_layout"
_OF_IMPORTS = "is not looked at here: milepost import FILE --dry-run reads it with its contacts"
_OF_NOTHING = (
    "is nothing that is published: workflows/NAME.json, segments/NAME.json, templates/NAME/, "
    "tests/NAME.test.json, scoring.json and settings.json are"
)
_COUNTED = ("workflows", "segments", "templates")


def check(
    paths: Annotated[list[Path], typer.Argument(help="Store folders, or single files in them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check workflows, segments, templates, settings and tests for errors."""
    roots: dict[Path, list[Path]] = {}
    for path in paths:
        roots.setdefault(find_root(path), []).append(path)
    found: list[FileProblem] = []
    unknown: list[FileProblem] = []
    counts = dict.fromkeys(_COUNTED, 0)
    for root, given in roots.items():
        store = open_store(root)
        requested = [store.path_of(path) for path in given]
        relied_on = {unit for path in requested for unit in _relied_on(store, path)}
        units, unknowable = check_unit(store)
        for file, place in zip(given, requested, strict=True):
            if file.is_file() and not any(_concerns(place, unit) for unit in units):
                fail(f"{file}: {_OF_IMPORTS if place.startswith('imports/') else _OF_NOTHING}")
        for unit, problems in units.items():
            if any(_concerns(path, unit) for path in requested):
                kind = unit.partition("/")[0]
                counts[kind] = counts.get(kind, 0) + 1
                found += problems
                unknown += unknowable.get(unit, ())
            elif unit in relied_on:
                found += problems
    if as_json:
        checked = {kind: counts[kind] for kind in _COUNTED}
        findings = {"problems": found, "unknown": unknown}
        show_json(
            checked | {kind: [each.to_json() for each in of] for kind, of in findings.items()}
        )
        raise typer.Exit(1 if found else 0)
    warn(unknown)
    if found:
        show_problems(found)
    else:
        kinds = [kind for kind in _COUNTED if counts[kind] or kind != "segments"]
        good = "all good" if not unknown else "good, as far as can be known here"
        print_line(", ".join(_number(counts[kind], kind) for kind in kinds) + f": {good}")
    raise typer.Exit(1 if found else 0)


def _concerns(path: str, unit: str) -> bool:
    """Whether the requested file or folder is the unit, contains it, or is part of it."""
    if path == unit or not path or unit.startswith(f"{path}/") or path.startswith(f"{unit}/"):
        return True
    return path.startswith(LAYOUT) and unit.startswith("templates/")


def _relied_on(store: Store, path: str) -> Iterator[str]:
    """The other units that must be valid for a single workflow to be published."""
    text = store.files.get(path, "")
    if not path.startswith("workflows/") or not text:
        return
    yield SETTINGS
    yield path_of_tests(PurePosixPath(path).stem)
    for file in store.files:
        folder = str(PurePosixPath(file).parent)
        if folder.startswith("templates/") and f'"{folder.removeprefix("templates/")}"' in text:
            yield folder


def _number(count: int, kind: str) -> str:
    return f"{count} {kind if count != 1 else kind[:-1]}"
