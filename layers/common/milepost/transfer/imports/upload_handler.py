"""What an upload asks for: an import, another try at one, or to take one back.

A file without settings beside it is only checked: its report holds the settings that were guessed,
and uploading those imports it. So nobody is imported by accident, in whatever order the two come.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base import instants
from milepost.base.errors import ThrottledError
from milepost.base.problems import Problem
from milepost.transfer.imports.encodings import HEAD
from milepost.transfer.imports.plan import make_plan, parse_as_of
from milepost.transfer.imports.progress import Import
from milepost.transfer.naming import asked, data_paths, is_id, make_id, settings_path
from milepost.transfer.ports import FileVersion

if TYPE_CHECKING:
    from milepost.transfer.imports.file import ImportFile
    from milepost.transfer.imports.ports import Imports
    from milepost.transfer.imports.records import Kind
    from milepost.transfer.ports import Uploads


MAX_SETTINGS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadHandler:
    """Turns uploads into imports."""

    uploads: "Uploads"
    imports: "Imports"
    now: Callable[[], datetime]
    wire_now: Callable[[], datetime]

    def asked(self, store: str, path: str) -> list[tuple[Import, int]]:
        """The imports that a change of this file concerns; none if it is nothing to us.

        Each with the turn at which whoever asks may go on with it: see `Importer`.
        """
        what = asked(path)
        match what.kind if what else None:
            case "csv" | "jsonl":
                return [*self._begin(store, what.name if what else "", path)]
            case "settings":
                name = what.name if what else ""
                return [i for each in data_paths(name) for i in self._begin(store, name, each)]
            case "undo":
                return [*self._take_back(store, what.name if what else "")]
            case _:
                return []

    def _begin(self, store: str, name: str, path: str) -> Iterator[tuple[Import, int]]:
        upload = self.uploads.find(store, path)
        if upload is None:
            return  # it was taken away meanwhile, or its settings came first
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
        now = instants.parse_instant(instants.format_instant(self.now()))
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
            at=instants.parse_instant(instants.format_instant(at)),
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
        from milepost.transfer.imports.file import ImportFile  # only a beginning needs the models

        file = parse_file(text, ImportFile)
        if isinstance(file, list):
            return [Problem(f"{settings.path}: {p.location}", p.reason, p.remedy) for p in file]
        return file

    def _head(self, store: str, upload: FileVersion) -> bytes:
        held = b""
        for chunk in self.uploads.read(store, upload):
            held += chunk
            if len(held) >= HEAD:
                break
        return held[:HEAD]

    def _take_back(self, store: str, id_: str) -> Iterator[tuple[Import, int]]:
        """Have an import taken back. One that is under way is stopped first: see `Importer`."""
        held = self.imports.load(store, id_) if is_id(id_) else None
        if held is None:
            return
        if held.phase == "importing":
            after = held._replace(phase="stopping", since=self.wire_now(), turn=held.turn + 1)
        elif held.phase in {"imported", "broken"} and held.plan:
            after = restart_import(held)
        else:
            yield held, -1  # it is being taken back already, or there is nothing to take back
            return
        if self.imports.save(held, after):
            yield after, after.turn
        else:
            raise ThrottledError("an import went on while it was to be taken back")


def restart_import(held: Import) -> Import:
    """Begin to take an import back, from its first row."""
    start = held.plan.start if held.plan else 0
    row = 1 if held.plan and held.plan.kind == "csv" else 0
    return held._replace(
        phase="undoing", turn=held.turn + 1, offset=start, row=row, seconds=0.0, since=None
    )
