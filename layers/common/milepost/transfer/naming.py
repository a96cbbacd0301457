"""The paths and ids of imports and exports."""

import re
from hashlib import sha256
from typing import Literal, NamedTuple

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
_KINDS: tuple[tuple[str, Literal["settings", "undo", "csv", "jsonl", "export"]], ...] = (
    ("imports/*.import.json", "settings"),
    ("imports/*.undo.json", "undo"),
    ("imports/*.csv", "csv"),
    ("imports/*.jsonl", "jsonl"),
    ("exports/*.export.json", "export"),
)


class UploadRequest(NamedTuple):
    """What an uploaded file starts. `name` is the file name without its ending."""

    kind: Literal["settings", "undo", "csv", "jsonl", "export"]
    name: str


def asked(path: str) -> UploadRequest | None:
    """The request of a path below the store's folder; None if the path starts nothing."""
    for pattern, kind in _KINDS:
        before, _, after = pattern.partition("*")
        name = path.removeprefix(before).removesuffix(after)
        if path == f"{before}{name}{after}" and name and "/" not in name:
            return UploadRequest(kind, name)
    return None


def make_id(name: str, *versions: str) -> str:
    """An id from a file name and file versions: a repeated request has the same id."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "file"
    return f"{slug}-{sha256(chr(10).join((name, *versions)).encode()).hexdigest()[:8]}"


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def settings_path(name: str) -> str:
    return f"imports/{name}.import.json"


def data_paths(name: str) -> tuple[str, str]:
    return f"imports/{name}.csv", f"imports/{name}.jsonl"


def undo_path(import_id: str) -> str:
    return f"imports/{import_id}.undo.json"


# Reports are in one flat folder (docs/decisions/0006): no rule's pattern matches their names.


def report_path(import_id: str, ending: str) -> str:
    return f"reports/imports.{import_id}.report.{ending}"


def errors_path(import_id: str, number: int) -> str:
    return f"reports/imports.{import_id}.errors-{number:04d}.csv"
