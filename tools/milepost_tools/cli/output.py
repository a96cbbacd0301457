"""How things are told: tables for people at a terminal, plain lines for everybody else."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, NoReturn

import typer

from milepost.base.durations import format_duration
from milepost.base.problems import Problem
from milepost.simulator.trace import EnrollmentTrace, TraceEntry


class FileProblem(NamedTuple):
    """A problem and the file it is in."""

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
    """End the command: it was called with something that it cannot use."""
    typer.echo(plain(sentence), err=True)
    raise typer.Exit(2)


def exit_with_problems(found: Sequence[FileProblem]) -> NoReturn:
    """End the command: something is wrong with a file."""
    show_problems(found)
    raise typer.Exit(1)


def print_line(line: str = "") -> None:
    typer.echo(plain(line))


def warn(found: Iterable[FileProblem]) -> None:
    """Say what nobody can know here. It is no mistake, and stands in nobody's way."""
    for each in found:
        typer.echo(plain(f"not known here: {each}"), err=True)


def show_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2))


def show_problems(found: Sequence[FileProblem]) -> None:
    """Every problem, by file and location."""
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
    """A table of plain cells; without a terminal, in columns of spaces."""
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


def show_life(life: EnrollmentTrace) -> None:
    """A story from its first moment to its last. Instants are in UTC."""
    if not at_a_terminal():
        for moment in life.moments:
            print_line(line_of(moment))
        return
    rows = (
        (
            _COLORS.get(moment.kind, ""),
            f"{moment.at:%a %Y-%m-%d %H:%M}",
            _gone(moment.at - life.began),
            moment.step,
            _told(moment),
        )
        for moment in life.moments
    )
    _show_table(("UTC", "after", "step", "what happens"), rows)


def _gone(time: timedelta) -> str:
    if time < timedelta():
        return f"{format_duration(-time)} before"
    return format_duration(time) if time else ""


def line_of(moment: TraceEntry) -> str:
    step = f"{moment.step}: " if moment.step else ""
    return f"{moment.at:%a %Y-%m-%d %H:%M}  {step}{_told(moment)}"


def _told(moment: TraceEntry) -> str:
    return f"mails {moment.text}" if moment.kind == "mails" else moment.text


def plain(text: str) -> str:
    """A text from a file as a terminal may see it: no control characters, no half letters.

    The joiners stay: they do nothing to a terminal, and Persian is misspelled without them.
    """
    return "".join(
        letter
        if letter.isprintable() or letter in _JOINERS
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def at_a_terminal() -> bool:
    """Whether somebody looks at what is printed."""
    return sys.stdout.isatty()


def _show_table(titles: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows, each with its color before its cells."""
    # A tenth of a second to import, and only people at a terminal need it.
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
