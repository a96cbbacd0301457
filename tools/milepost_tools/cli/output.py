"""Output: tables on a terminal, plain lines elsewhere."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, NoReturn

import typer

from milepost.base.problems import Problem
from milepost.base.times import format_duration
from milepost.simulator.trace import EnrollmentTrace, TraceEntry


class FileProblem(NamedTuple):
    """A problem and its file."""

    file: str
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"

    def to_json(self) -> dict[str, Any]:
        problem = self.problem
        return {
            "file": self.file,
            "location": problem.location,
            "reason": problem.reason,
            "remedy": problem.remedy or None,
        }


def fail(sentence: str) -> NoReturn:
    """End the command: the call was wrong."""
    typer.echo(plain(sentence), err=True)
    raise typer.Exit(2)


def exit_with_problems(found: Sequence[FileProblem]) -> NoReturn:
    """End the command: a file has errors."""
    show_problems(found)
    raise typer.Exit(1)


def print_line(line: str = "") -> None:
    typer.echo(plain(line))


def warn(found: Iterable[FileProblem]) -> None:
    """Print what cannot be known locally. A warning does not fail the command."""
    for each in found:
        typer.echo(plain(f"not known here: {each}"), err=True)


def show_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2))


def show_problems(found: Sequence[FileProblem]) -> None:
    """Print every problem, by file and location."""
    if not at_a_terminal():
        for each in found:
            print_line(str(each))
        return
    rows = (
        ("", each.file, each.problem.location, each.problem.reason, each.problem.remedy)
        for each in found
    )
    _show_table(("file", "location", "error", "remedy"), rows)


def show_rows(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of plain cells; outside a terminal, columns are separated by spaces."""
    if at_a_terminal():
        _show_table(titles, (("", *row) for row in rows))
        return
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        print_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


_JOINERS = "\u200c\u200d"
_COLORS = {
    "enters": "green", "mails": "cyan", "no mail": "yellow", "refused": "red", "leaves": "green",
    "waits": "dim", "deferred": "yellow",
}  # fmt: skip


def show_life(trace: EnrollmentTrace) -> None:
    """Print a simulation in order of time. Instants are in UTC."""
    if not at_a_terminal():
        for entry in trace.moments:
            print_line(line_of(entry))
        return
    rows = (
        (
            _COLORS.get(entry.kind, ""),
            f"{entry.at:%a %Y-%m-%d %H:%M}",
            _elapsed(entry.at - trace.began),
            entry.step,
            _text_of(entry),
        )
        for entry in trace.moments
    )
    _show_table(("UTC", "after", "step", "what happens"), rows)


def _elapsed(time: timedelta) -> str:
    if time < timedelta():
        return f"{format_duration(-time)} before"
    return format_duration(time) if time else ""


def line_of(entry: TraceEntry) -> str:
    step = f"{entry.step}: " if entry.step else ""
    return f"{entry.at:%a %Y-%m-%d %H:%M}  {step}{_text_of(entry)}"


def _text_of(entry: TraceEntry) -> str:
    return f"mails {entry.text}" if entry.kind == "mails" else entry.text


def plain(text: str) -> str:
    """Make a text from a file safe for a terminal: no control characters, no lone surrogates.

    Keep the joiners: they do no harm in a terminal, and Persian spelling needs them.
    """
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else character.encode("unicode_escape").decode()
        for character in text
    )


def at_a_terminal() -> bool:
    """Whether the output goes to a terminal."""
    return sys.stdout.isatty()


def _show_table(titles: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows; each starts with its color."""
    # Imported here: the import takes a tenth of a second, and only a terminal needs it.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for color, *cells in rows:
        table.add_row(*(Text(plain(cell)) for cell in cells), style=color)
    Console(highlight=False).print(table)
