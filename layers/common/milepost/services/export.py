"""Export: everything a store has, as JSON lines in its bucket; one call is one stretch of it.

What is held in memory ends at a few megabytes, which become one file for each kind of thing. A file
is written before the step that counts it, so a crash in between writes the same name anew.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from milepost.domain import instants
from milepost.domain.exports import KINDS, Export, Kind, part_path, report, report_path
from milepost.domain.imports.naming import asked, make_id
from milepost.ports import Busy
from milepost.transfer_ports import Everything, Exports, Reports, Requeue, Shelves, Uploads

MOST_HELD = 16 * 1024 * 1024
"""Characters that are held before they are written: what a small function has room for."""

MOST_SETTINGS = 64 * 1024
MOST_WAITS = 12
REMEDY = 'write {} for everything, or {"include": ["contacts", "events"]}'


class _Held(NamedTuple):
    lines: dict[Kind, list[str]]
    size: int


@dataclass(frozen=True, slots=True)
class Exporter:
    """Works through exports. `seconds` counts them."""

    everything: Everything
    exports: Exports
    uploads: Uploads
    shelves: Shelves
    reports: Reports
    requeue: Requeue
    now: Callable[[], datetime]
    seconds: Callable[[], float]

    def changed(self, store: str, path: str, time_left: Callable[[], bool]) -> Export | None:
        """A file was uploaded: begin the export that it asks for, or go on with it."""
        what = asked(path)
        upload = self.uploads.find(store, path) if what and what.kind == "export" else None
        if what is None or upload is None:
            return None
        id_ = make_id(what.name, upload.version)
        known = self.exports.load(store, id_)
        if known is None:
            body = (
                b"".join(self.uploads.read(store, upload)) if upload.size <= MOST_SETTINGS else b""
            )
            now = instants.parse(instants.show(self.now()))
            known = self.exports.begin(_included(body, Export(store, id_, now)))
        return self._stretch(known, time_left)

    def go_on(self, store: str, export_id: str, time_left: Callable[[], bool]) -> Export | None:
        """Do the next stretch of an export."""
        held = self.exports.load(store, export_id)
        return self._stretch(held, time_left) if held else None

    def _stretch(self, export: Export, time_left: Callable[[], bool]) -> Export:
        try:
            export, mine = self._write(export, time_left)
        except Busy:
            return self._wait(export)
        if mine and not export.done:
            self.requeue.again(message_for(export))
        return export

    def _write(self, export: Export, time_left: Callable[[], bool]) -> tuple[Export, bool]:
        """Read and write until the end, or until the time is up; False if another is ahead."""
        while not export.done and not export.problem and time_left():
            began = self.seconds()
            held, read, after, ended = self._read(export, time_left)
            counted = self._put(export, held)
            written = counted._replace(
                after=after,
                done=ended,
                read=export.read + read,
                seconds=export.seconds + self.seconds() - began,
                turn=export.turn + 1,
                waits=0,
            )
            if not self.exports.save(export, written):
                return export, False
            export = written
            self._tell(export)
        if export.done or export.problem:
            self._tell(export)  # again, if whoever finished it died before this
            return export._replace(done=True), True
        return export, True

    def _read(self, export: Export, time_left: Callable[[], bool]) -> tuple[_Held, int, str, bool]:
        """Pages until as much is held as may be, or the time is up: at least one."""
        lines: dict[Kind, list[str]] = {}
        size = read = 0
        after = export.after
        while True:
            page = self.everything.page(export.store, after)
            read, after = read + page.read, page.after
            for kind, line in page.lines:
                if kind in export.kinds:
                    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
                    lines.setdefault(kind, []).append(text)
                    size += len(text)
            if not after or size >= MOST_HELD or not time_left():
                return _Held(lines, size), read, after, not after

    def _put(self, export: Export, held: _Held) -> Export:
        parts, counts = dict(export.parts), dict(export.lines)
        for kind, lines in held.lines.items():
            parts[kind] = parts.get(kind, 0) + 1
            counts[kind] = counts.get(kind, 0) + len(lines)
            self.shelves.put(export.store, part_path(export.id, kind, parts[kind]), lines)
        return export._replace(parts=parts, lines=counts)

    def _tell(self, export: Export) -> None:
        document = report(export, self.now())
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        self.reports.write(export.store, report_path(export.id), text)

    def _wait(self, export: Export) -> Export:
        held = self.exports.load(export.store, export.id) or export
        if held.waits >= MOST_WAITS:
            raise Busy(f"export {held.id} has come no further in {MOST_WAITS} tries")
        after = held._replace(waits=held.waits + 1, turn=held.turn + 1)
        if not self.exports.save(held, after):
            return held
        self.requeue.again(message_for(after), min(900, 10 * 2**held.waits))
        return after


def _included(body: bytes, export: Export) -> Export:
    """The export with what its file asks for: everything, if that says nothing."""
    try:
        document = json.loads(body.decode("utf-8-sig")) if body.strip() else {}
    except ValueError:
        return export._replace(problem=f"the file is not JSON: {REMEDY}")
    wanted = document.get("include", list(KINDS)) if isinstance(document, dict) else None
    if not isinstance(wanted, list) or not wanted or set(document) - {"include", "$schema"}:
        return export._replace(problem=f"the file says nothing that is known: {REMEDY}")
    kinds = tuple(_known(wanted))
    if len(kinds) != len(wanted):
        return export._replace(problem=f"include may name {', '.join(KINDS)}, once each")
    return export._replace(kinds=kinds)


def _known(wanted: list[Any]) -> Iterator[Kind]:
    yield from (kind for kind in KINDS if kind in wanted)


def message_for(export: Export) -> dict[str, str]:
    return {"store": export.store, "export": export.id}
