"""`milepost import FILE --dry-run`: checks a file of contacts before it is uploaded.

Runs the importer's own code, one row at a time, so that a million rows need no more memory than a
thousand. Only a dry run in AWS can compare the rows with the stored contacts.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.contacts.event import IDENTIFIER_PRIORITY
from milepost.transfer.imports.encodings import HEAD
from milepost.transfer.imports.file import ImportFile
from milepost.transfer.imports.lru import LruCache
from milepost.transfer.imports.plan import Plan, make_plan
from milepost.transfer.imports.records import Kind, records
from milepost.transfer.imports.rows import Row, RowError, RowParser, error_line
from milepost_tools.cli import output
from milepost_tools.cli.local_store import read_text
from milepost_tools.cli.output import (
    FileProblem,
    exit_with_problems,
    fail,
    print_line,
    show_json,
    show_problems,
)

PIECE = 1024 * 1024
MAX_SHOWN = 20
_KINDS: Mapping[str, Kind] = {".csv": "csv", ".jsonl": "jsonl"}
_WORDS = {
    "good": "good",
    "failed": "with mistakes",
    "repeated": "about a contact of an earlier row",
    "withdrawn": "withdrawing consent",
    "granted": "with a yes that is not taken",
    "formulas": "with formulas, kept as text",
}
HEADER = "row,column,reason,remedy"


class Checked(NamedTuple):
    """The result of a check: how many rows of each kind, and the first errors."""

    counts: Counter[str]
    shown: list[RowError]


def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV or JSONL file of contacts.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check it. Required.")] = False,
    settings: Annotated[
        Path | None,
        typer.Option(help="The settings file; FILE's name with .import.json if left out."),
    ] = None,
    errors: Annotated[Path | None, typer.Option(help="Write all errors to this CSV file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a file of contacts for errors."""
    if not dry_run:
        fail(
            f"{file}: add --dry-run to check it. To import it, upload it to imports/ in the "
            "store's folder of the bucket: see docs/importing.md"
        )
    plan = _plan(file, settings)
    with _output(errors) as write:
        checked = _check(file, plan, write)
    found = [FileProblem(str(file), _problem(error)) for error in checked.shown]
    if as_json:
        show_json(_document(file, plan, checked, found))
    else:
        _print(plan, checked, found)
    raise typer.Exit(1 if found else 0)


def _plan(file: Path, settings: Path | None) -> Plan:
    kind = _KINDS.get(file.suffix)
    if kind is None:
        fail(f"{file}: its name ends neither in .csv nor in .jsonl")
    if not file.is_file():
        fail(f"{file}: there is no such file")
    settings_file = settings or file.with_suffix(".import.json")
    file_settings: ImportFile | None = None
    if settings or settings_file.is_file():
        read = parse_file(read_text(settings_file), ImportFile)
        if isinstance(read, list):
            exit_with_problems([FileProblem(str(settings_file), problem) for problem in read])
        file_settings = read
    with file.open("rb") as opened:
        head = opened.read(HEAD)
    plan = make_plan(kind, head, file.stat().st_size <= HEAD, file_settings)
    if isinstance(plan, list):
        exit_with_problems([FileProblem(str(file), problem) for problem in plan])
    return plan


@contextmanager
def _output(errors: Path | None) -> Iterator[Callable[[RowError], object]]:
    if errors is None:
        yield lambda _: None
        return
    try:
        with errors.open("w", encoding="utf-8", newline="\n") as opened:
            opened.write(HEADER + "\n")
            yield lambda error: opened.write(error_line(error) + "\n")
    except OSError as error:
        fail(f"{errors}: cannot be written: {error.strerror or error}")


def _check(file: Path, plan: Plan, write: Callable[[RowError], object]) -> Checked:
    counts, shown = Counter[str](), list[RowError]()
    seen = LruCache[tuple[str, str], int]()
    reader = RowParser(plan, "import")
    with _progress(file) as advance:
        found = records(_pieces(file, plan.start), plan.start, plan.kind, plan.delimiter.encode())
        first = 2 if plan.kind == "csv" else 1
        for number, record in enumerate(found, first):
            advance(record.end, counts["rows"])
            row = reader.read(number, record)
            if row is None:
                continue
            counts["rows"] += 1
            wrong = row if isinstance(row, list) else [*_repeated(row, seen)]
            counts["failed" if isinstance(row, list) else "repeated" if wrong else "good"] += 1
            if isinstance(row, Row):
                counts["granted"] += row.granted
                counts["formulas"] += row.formulas
                counts["withdrawn"] += bool(row.facts.consents)
            counts["mistakes"] += len(wrong)
            for error in wrong:
                write(error)
                if len(shown) < MAX_SHOWN:
                    shown.append(error)
    return Checked(counts, shown)


def _repeated(row: Row, seen: LruCache[tuple[str, str], int]) -> Iterator[RowError]:
    kind = next(kind for kind in IDENTIFIER_PRIORITY if kind in row.identifiers)
    first = seen.first((kind, row.identifiers[kind]), row.number)
    if first != row.number:
        reason = f"is about the contact of row {first}, which was taken"
        yield RowError(row.number, "", reason, "keep one row a contact")


def _pieces(file: Path, start: int) -> Iterator[bytes]:
    with file.open("rb") as opened:
        opened.seek(start)
        while piece := opened.read(PIECE):
            yield piece


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for a terminal, updated a hundred times instead of at every row."""
    if not output.at_a_terminal():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    size = max(file.stat().st_size, 1)
    text = TextColumn("{task.fields[rows]:,} rows")
    with Progress(BarColumn(), TaskProgressColumn(), text) as bar:
        task = bar.add_task("", total=size, rows=0)
        shown = 0

        def advance(place: int, rows: int) -> None:
            nonlocal shown
            if place - shown >= size / 100:
                shown = place
                bar.update(task, completed=place, rows=rows)

        yield advance
        bar.update(task, completed=size)


def _problem(error: RowError) -> Problem:
    place = f"row {error.row}" + (f", {error.column}" if error.column else "")
    return Problem(place, error.reason, error.remedy)


def _print(plan: Plan, checked: Checked, found: list[FileProblem]) -> None:
    for column in plan.columns:
        if column.title:
            print_line(f"{column.title}: " + (column.field or "left out"))
    if found:
        show_problems(found)
    counts = checked.counts
    if counts["mistakes"] > len(found):
        print_line(f"and {counts['mistakes'] - len(found)} more: --errors FILE lists them all")
    parts = [f"{counts[name]:,} {words}" for name, words in _WORDS.items() if counts[name]]
    print_line(f"{counts['rows']:,} rows: " + ", ".join(parts or ["nobody in it"]))


def _document(file: Path, plan: Plan, checked: Checked, found: list[FileProblem]) -> dict[str, Any]:
    names = ("rows", "good", "failed", "repeated", "withdrawn", "granted", "formulas", "mistakes")
    return {
        "file": str(file),
        "columns": [{"column": c.title, "field": c.field or None} for c in plan.columns],
        **{name: checked.counts[name] for name in names},
        "problems": [each.to_json() for each in found],
    }
