"""Splits the bytes of a file into records with offsets, with at most one row in memory.

A CSV record can span lines if quotes hold a line break; a JSONL record is one line. A faulty record
is a value, and the next record follows it: an oversized line is skipped, and an unclosed quote
fails only its own line.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Kind = Literal["csv", "jsonl"]

MAX_ROW = 64 * 1024
"""The largest row in bytes: its contact has at most a tenth of that."""

MAX_LINES = 100
"""The most lines of a row. A row with more lines has an unclosed quote."""

Fault = Literal["", "too long", "unbalanced"]


class FileRecord(NamedTuple):
    """One raw row of the file: `end` is the offset of the next one."""

    start: int
    end: int
    raw: bytes
    fault: Fault = ""


class _Line(NamedTuple):
    """A line without its line break; `raw` is None if it is longer than `MAX_ROW`."""

    start: int
    end: int
    raw: bytes | None


def records(
    chunks: Iterable[bytes], start: int, kind: Kind, delimiter: bytes = b","
) -> Iterator[FileRecord]:
    """The records of a file from `start`, the offset of a record."""
    lines = _lines(chunks, start)
    return _rows(lines, delimiter) if kind == "csv" else map(_record, lines)


def _lines(chunks: Iterable[bytes], start: int) -> Iterator[_Line]:
    pieces: list[bytes] = []
    size = 0  # of the current line; at most MAX_ROW of it is kept
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        size += len(first)
        if size <= MAX_ROW:
            pieces.append(first)
        else:
            pieces.clear()
        for piece in others:
            end = start + size + 1
            yield _Line(start, end, b"".join(pieces) if size <= MAX_ROW else None)
            start, size = end, len(piece)
            pieces = [piece] if size <= MAX_ROW else []
    if size:
        yield _Line(start, start + size, b"".join(pieces) if size <= MAX_ROW else None)


def _record(line: _Line) -> FileRecord:
    if line.raw is None:
        return FileRecord(line.start, line.end, b"", "too long")
    return FileRecord(line.start, line.end, line.raw.removesuffix(b"\r"))


def _rows(lines: Iterator[_Line], delimiter: bytes) -> Iterator[FileRecord]:
    again: deque[_Line] = deque()  # lines after an unclosed quote, to be read again

    def following() -> _Line | None:
        return again.popleft() if again else next(lines, None)

    while (first := following()) is not None:
        if first.raw is None or b'"' not in first.raw:
            yield _record(first)
            continue
        taken = [first]
        size = len(first.raw)
        inside = _left_open(first.raw, False, delimiter)
        while inside and len(taken) < MAX_LINES and size <= MAX_ROW:
            line = following()
            if line is None:
                break
            taken.append(line)
            if line.raw is None:
                break
            size += len(line.raw) + 1
            inside = _left_open(line.raw, True, delimiter)
        if inside or size > MAX_ROW:
            again.extendleft(reversed(taken[1:]))
            yield FileRecord(first.start, first.end, first.raw, "unbalanced")
        else:
            raw = b"\n".join(line.raw or b"" for line in taken)
            yield FileRecord(first.start, taken[-1].end, raw.removesuffix(b"\r"))


def _left_open(line: bytes, inside: bool, delimiter: bytes) -> bool:
    """Whether a quote is open at the end of the line; `inside`: whether one was at its start.

    As in RFC 4180 and Python's reader, a quote opens only at the start of a field, and a doubled
    quote inside is text.
    """
    at = 0
    while True:
        if not inside and line[at : at + 1] == b'"':
            inside, at = True, at + 1
        if inside:
            at = line.find(b'"', at)
            if at < 0:
                return True
            if line[at + 1 : at + 2] == b'"':
                at += 2
                continue
            inside = False
        at = line.find(delimiter, at)
        if at < 0:
            return False
        at += 1
