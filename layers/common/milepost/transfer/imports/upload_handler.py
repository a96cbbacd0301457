"""Turns an upload into an import, a retry of one, or a revert of one.

A file without settings is a dry run: its report holds the guessed settings, and an upload of those
starts the import. So no contact is imported by accident, in whatever order the two files arrive.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base import times
from milepost.base.errors import ThrottledError
from milepost.base.problems import Problem
from milepost.transfer.imports.encodings import HEAD
from milepost.transfer.imports.plan import make_plan, parse_as_of
from milepost.transfer.imports.progress import Import
from milepost.transfer.naming import UploadRequest, asked, data_paths, is_id, make_id, settings_path
from milepost.transfer.ports import FileVersion

if TYPE_CHECKING:
    from milepost.transfer.imports.file import ImportFile
    from milepost.transfer.imports.ports import Imports
    from milepost.transfer.imports.records import Kind
    from milepost.transfer.ports import Uploads


MAX_SETTINGS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadHandler:
    uploads: "Uploads"
    imports: "Imports"
    now: Callable[[], datetime]
    wire_now: Callable[[], datetime]

    def asked(self, store: str, path: str) -> list[tuple[Import, int]]:
        """The imports of an uploaded file, each with the `call_no` to continue at (`Importer`)."""
        match asked(path):
            case UploadRequest("csv" | "jsonl", name):
                return [*self._begin(store, name, path)]
            case UploadRequest("settings", name):
                return [i for each in data_paths(name) for i in self._begin(store, name, each)]
            case UploadRequest("undo", name):
                return [*self._revert(store, name)]
            case _:
                return []

    def _begin(self, store: str, name: str, path: str) -> Iterator[tuple[Import, int]]:
        upload = self.uploads.find(store, path)
        if upload is None:
            return  # the file was deleted, or its settings arrived first
        settings = self.uploads.find(store, settings_path(name))
        versions = (path, upload.version, settings.version if settings else "")
        id_ = make_id(name, *versions)
        known = self.imports.load(store, id_)
        if known is None:
            known = self.imports.begin(self._new(store, id_, upload, settings))
        yield known, 0

    def _new(
        self, store: str, id_: str, upload: FileVersion, settings: FileVersion | None
    ) -> Import:
        now = times.parse_instant(times.format_instant(self.now()))
        new = Import(store, id_, upload, "checking", at=now, begun=now)
        file = self._settings(store, settings)
        if isinstance(file, list):
            return new._replace(phase="refused", problems=tuple(file))
        at = parse_as_of(file, now)
        if isinstance(at, list):
            return new._replace(phase="refused", problems=tuple(at))
        kind: Kind = "jsonl" if upload.path.endswith(".jsonl") else "csv"
        plan = make_plan(kind, self._head(store, upload), upload.size <= HEAD, file)
        if isinstance(plan, list):
            return new._replace(phase="refused", problems=tuple(plan))
        return new._replace(
            phase="checking" if plan.dry_run else "importing",
            at=times.parse_instant(times.format_instant(at)),
            plan=plan,
            offset=plan.start,
            row=1 if kind == "csv" else 0,
        )

    def _settings(
        self, store: str, settings: FileVersion | None
    ) -> "ImportFile | list[Problem] | None":
        if settings is None:
            return None
        if settings.size > MAX_SETTINGS:
            return [Problem(settings.path, "is larger than 1 MB", "name fewer columns")]
        text = b"".join(self.uploads.read(store, settings)).decode("utf-8", "replace")
        from milepost.base.parse_file import parse_file
        from milepost.transfer.imports.file import ImportFile  # only new imports need the models

        file = parse_file(text, ImportFile)
        if isinstance(file, list):
            return [Problem(f"{settings.path}: {p.location}", p.reason, p.remedy) for p in file]
        return file

    def _head(self, store: str, upload: FileVersion) -> bytes:
        head = b""
        for chunk in self.uploads.read(store, upload):
            head += chunk
            if len(head) >= HEAD:
                break
        return head[:HEAD]

    def _revert(self, store: str, id_: str) -> Iterator[tuple[Import, int]]:
        """Start the revert of an import. A running import is stopped first: see `Importer`."""
        old = self.imports.load(store, id_) if is_id(id_) else None
        if old is None:
            return
        if old.phase == "importing":
            after = old._replace(phase="stopping", since=self.wire_now(), call_no=old.call_no + 1)
        elif old.phase in {"imported", "broken"} and old.plan:
            after = restart_import(old)
        else:
            yield old, -1  # the revert is running already, or there is nothing to revert
            return
        if not self.imports.save(old, after):
            raise ThrottledError("an import continued while its revert was requested")
        yield after, after.call_no


def restart_import(state: Import) -> Import:
    """Begin the revert of an import, at its first row."""
    start = state.plan.start if state.plan else 0
    row = 1 if state.plan and state.plan.kind == "csv" else 0
    return state._replace(
        phase="undoing", call_no=state.call_no + 1, offset=start, row=row, seconds=0.0, since=None
    )
