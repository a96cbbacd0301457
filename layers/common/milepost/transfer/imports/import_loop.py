"""Processes a file in batches over several invocations, and saves the progress.

A crash can repeat a batch, so processing a row must be idempotent. Counts are saved together with
the offset. If another invocation has saved first (the import was stopped), this one ends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from milepost.transfer.imports import report
from milepost.transfer.imports.progress import ERRORS_A_FILE, Import
from milepost.transfer.imports.records import FileRecord, records
from milepost.transfer.imports.rows import RowError, error_line
from milepost.transfer.naming import errors_path, report_path

if TYPE_CHECKING:
    from milepost.transfer.imports.ports import Imports
    from milepost.transfer.ports import ReportFiles, Uploads


BATCH = 100
"""Rows of one batch: as many as DynamoDB reads in one request."""

SAVE_ROWS = 1000
SAVE_SECONDS = 5.0
HEADER = "row,column,reason,remedy"

Numbered = tuple[int, FileRecord]


class BatchResult(NamedTuple):
    """The result of a batch: the import with its counts, and the row errors."""

    state: Import
    errors: Sequence[RowError] = ()


class ConcurrentUpdateError(Exception):
    """Another invocation has saved later progress."""


@dataclass(frozen=True, slots=True)
class ImportLoop:
    """Processes files. `seconds` is a monotonic clock."""

    uploads: "Uploads"
    imports: "Imports"
    reports: "ReportFiles"
    now: Callable[[], datetime]
    wire_now: Callable[[], datetime]
    seconds: Callable[[], float]
    sleep: Callable[[float], None]

    def walk(
        self,
        state: Import,
        step: Callable[[Import, Sequence[Numbered]], BatchResult],
        time_left: Callable[[], bool],
    ) -> tuple[Import, bool]:
        """Continue until the end of the file or the time limit.

        Returns the saved import, and whether the file has ended. Raises ThrottledError,
        FileGoneError and ConcurrentUpdateError; rows since the last save are then repeated.
        """
        plan = state.plan
        if plan is None:
            raise ValueError(f"import {state.id} has no plan")
        began, saved, errors = self.seconds(), state, list[RowError]()
        chunks = self.uploads.read(state.store, state.upload, state.offset)
        rows = records(chunks, state.offset, plan.kind, plan.delimiter.encode())
        first = state.row
        for batch in _numbered(rows, state.row, min(BATCH, plan.rate)):
            if not time_left():
                break
            done = step(state, batch)
            errors += done.errors
            last, record = batch[-1]
            state = done.state._replace(row=last, offset=record.end)
            self._pace(state.row - first, plan.rate, self.seconds() - began)
            spent = self.seconds() - began
            if last - saved.row >= SAVE_ROWS or spent >= SAVE_SECONDS:
                state = saved = self.save(saved, state, errors, spent)
                began, first, errors = self.seconds(), state.row, []
        ended = state.offset >= state.upload.size
        if state is not saved:
            state = self.save(saved, state, errors, self.seconds() - began)
        return state, ended

    def save(
        self, before: Import, after: Import, errors: Sequence[RowError] = (), spent: float = 0.0
    ) -> Import:
        """Save progress. The row errors come first, because the progress counts them."""
        after = after._replace(
            call_no=before.call_no + 1,
            touched=self.wire_now(),
            waits=0 if after.offset > before.offset else after.waits,
            seconds=after.seconds + spent,
        )
        self._list(before, errors)
        after = after._replace(
            counts=after.counts._replace(errors=before.counts.errors + len(errors))
        )
        if not self.imports.save(before, after):
            raise ConcurrentUpdateError
        self.tell(after)
        return after

    def tell(self, state: Import) -> None:
        """Write the report."""
        now = self.now()
        for ending, text in (("json", report.as_json), ("md", report.as_markdown)):
            self.reports.write(state.store, report_path(state.id, ending), text(state, now))

    def _list(self, before: Import, errors: Sequence[RowError]) -> None:
        """Append to the error files. Lines beyond the saved count are replaced."""
        written, waiting = before.counts.errors, [error_line(error) for error in errors]
        while waiting:
            number, kept = divmod(written, ERRORS_A_FILE)
            path = errors_path(before.id, number + 1)
            text = self.reports.read(before.store, path) if kept else None
            lines = (text or HEADER).splitlines()[: kept + 1]
            room = ERRORS_A_FILE - kept
            added, waiting = waiting[:room], waiting[room:]
            self.reports.write(before.store, path, "\n".join([*lines, *added]) + "\n")
            written += len(added)

    def _pace(self, rows: int, rate: int, spent: float) -> None:
        ahead = rows / rate - spent
        if ahead > 0.01:
            self.sleep(ahead)


def _numbered(rows: Iterable[FileRecord], before: int, most: int) -> Iterator[list[Numbered]]:
    numbered = enumerate(rows, before + 1)
    while batch := list(islice(numbered, most)):
        yield batch
