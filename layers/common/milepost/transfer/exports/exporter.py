"""Exports everything that a store has as JSON lines to its bucket, over several invocations.

Memory holds a few megabytes, which become one file for each kind of record. A file is written
before the progress that counts it, so a crash in between overwrites the same file.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.base import times
from milepost.base.errors import ThrottledError
from milepost.transfer.exports.progress import KINDS, Export, Kind, part_path, report, report_path
from milepost.transfer.naming import asked, make_id

if TYPE_CHECKING:
    from milepost.transfer.exports.ports import ExportFiles, Exports, StoreScan
    from milepost.transfer.ports import ContinuationQueue, ReportFiles, Uploads


MAX_HELD = 16 * 1024 * 1024
"""Characters in memory before they are written: a small function has room for them."""

MAX_SETTINGS = 64 * 1024
MAX_WAITS = 12
GRACE_PERIOD = timedelta(minutes=6)
"""Longer than a Lambda timeout: an invocation without progress for so long has ended."""

_Lines = dict[Kind, list[str]]
REMEDY = 'write {} for everything, or {"include": ["contacts", "events"]}'


@dataclass(frozen=True, slots=True)
class StoreExporter:
    """Runs exports. `seconds` is a monotonic clock."""

    everything: "StoreScan"
    exports: "Exports"
    uploads: "Uploads"
    shelves: "ExportFiles"
    reports: "ReportFiles"
    requeue: "ContinuationQueue"
    now: Callable[[], datetime]
    wire_now: Callable[[], datetime]
    seconds: Callable[[], float]

    def changed(self, store: str, path: str, time_left: Callable[[], bool]) -> Export | None:
        """Begin or continue the export of an uploaded file."""
        request = asked(path)
        upload = self.uploads.find(store, path) if request and request.kind == "export" else None
        if request is None or upload is None:
            return None
        id_ = make_id(request.name, upload.version)
        known = self.exports.load(store, id_)
        if known is None:
            body = (
                b"".join(self.uploads.read(store, upload)) if upload.size <= MAX_SETTINGS else b""
            )
            now = times.parse_instant(times.format_instant(self.now()))
            known = self.exports.begin(_included(body, Export(store, id_, now)))
        return self._run(known, 0, time_left)

    def go_on(
        self, store: str, export_id: str, call_no: int, time_left: Callable[[], bool]
    ) -> Export | None:
        """Continue an export at this `call_no`."""
        export = self.exports.load(store, export_id)
        return self._run(export, call_no, time_left) if export else None

    def _run(self, stored: Export, call_no: int, time_left: Callable[[], bool]) -> Export:
        if stored.done:
            self._report(stored)  # the invocation that finished it may have crashed before this
            return stored
        export = self._claim(stored, call_no)
        if export is None:
            return stored
        try:
            written = self._write(export, time_left)
        except ThrottledError:
            return self._wait(export)
        if written is None:
            return export
        if not written.done:
            self.requeue.again(message_for(written))
        return written

    def _claim(self, export: Export, call_no: int) -> Export | None:
        """As in an import: one invocation continues it, or another after the grace period."""
        now = self.wire_now()
        if export.call_no != call_no and export.touched and now - export.touched < GRACE_PERIOD:
            return None
        claimed = export._replace(call_no=export.call_no + 1, touched=now)
        return claimed if self.exports.save(export, claimed) else None

    def _write(self, export: Export, time_left: Callable[[], bool]) -> Export | None:
        """Read and write until the end or the time limit; None after a concurrent update."""
        while not export.done and time_left():
            began = self.seconds()
            lines, read, after, ended = self._read(export, time_left)
            written = self._put(export, lines)._replace(
                after=after,
                done=ended,
                read=export.read + read,
                seconds=export.seconds + self.seconds() - began,
                call_no=export.call_no + 1,
                touched=self.wire_now(),
                waits=0,
            )
            if not self.exports.save(export, written):
                return None
            export = written
            self._report(export)
        return export

    def _read(self, export: Export, time_left: Callable[[], bool]) -> tuple[_Lines, int, str, bool]:
        """Read pages up to the memory or time limit: at least one."""
        lines: _Lines = {}
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
            if not after or size >= MAX_HELD or not time_left():
                return lines, read, after, not after

    def _put(self, export: Export, lines: _Lines) -> Export:
        parts, counts = dict(export.parts), dict(export.lines)
        for kind, texts in lines.items():
            parts[kind] = parts.get(kind, 0) + 1
            counts[kind] = counts.get(kind, 0) + len(texts)
            self.shelves.put(export.store, part_path(export.id, kind, parts[kind]), texts)
        return export._replace(parts=parts, lines=counts)

    def _report(self, export: Export) -> None:
        text = json.dumps(report(export, self.now()), ensure_ascii=False, indent=2) + "\n"
        self.reports.write(export.store, report_path(export.id), text)

    def _wait(self, export: Export) -> Export:
        before = self.exports.load(export.store, export.id) or export
        if before.waits >= MAX_WAITS:
            raise ThrottledError(f"export {before.id} has come no further in {MAX_WAITS} tries")
        after = before._replace(
            waits=before.waits + 1, call_no=before.call_no + 1, touched=self.wire_now()
        )
        if not self.exports.save(before, after):
            return before
        self.requeue.again(message_for(after), min(900, 10 * 2**before.waits))
        return after


def _included(body: bytes, export: Export) -> Export:
    """The export with the kinds that its file names; all kinds if it names none."""
    try:
        document = json.loads(body.decode("utf-8-sig")) if body.strip() else {}
    except ValueError:
        return export._replace(done=True, problem=f"the file is not JSON: {REMEDY}")
    wanted = document.get("include", list(KINDS)) if isinstance(document, dict) else None
    if not isinstance(wanted, list) or not wanted or set(document) - {"include", "$schema"}:
        return export._replace(done=True, problem=f"the file says nothing that is known: {REMEDY}")
    kinds = tuple(kind for kind in KINDS if kind in wanted)
    if len(kinds) != len(wanted):
        return export._replace(done=True, problem=f"include may name {', '.join(KINDS)}, once each")
    return export._replace(kinds=kinds)


def message_for(export: Export) -> Mapping[str, Any]:
    return {"store": export.store, "export": export.id, "call_no": export.call_no}
