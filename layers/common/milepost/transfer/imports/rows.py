"""A record of a file to what it says of one contact, or to everything that is wrong with it.

A row that has a mistake is not imported at all: it can be mended and uploaded again as it is.
Empty cells say nothing. A cell that a spreadsheet would run as a formula is kept as the text it
is, and counted. A yes to consent is counted and not taken: consent never rises by import.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.contacts.event import ConsentEvidence, ContactUpdate, IdentifierKind
from milepost.contacts.fields import CONTACT_FIELDS, Change
from milepost.contacts.preferences import FREQUENCY, SNOOZED
from milepost.transfer.imports.cells import (
    IDENTIFIERS,
    CellError,
    is_formula,
    read_consent,
    read_field,
    read_frequency,
    read_instant,
    read_lists,
    read_number,
    read_property,
    read_text,
)
from milepost.transfer.imports.encodings import name_of
from milepost.transfer.imports.plan import MAX_FIELDS, Column, Plan, guess
from milepost.transfer.imports.records import MAX_LINES, MAX_ROW, FileRecord

METHOD = "import"


class RowError(NamedTuple):
    """One mistake: the row as a spreadsheet counts it, the column, and never what is in a cell."""

    row: int
    column: str
    reason: str
    remedy: str = ""


class Row(NamedTuple):
    """What a row says of a contact. `granted` and `formulas` are cells that were not taken so."""

    number: int
    identifiers: Mapping[IdentifierKind, str]
    facts: ContactUpdate
    granted: int = 0
    formulas: int = 0


@dataclass(slots=True)
class RowParser:
    """Reads the rows of one file. `source` is what the proof of a withdrawn consent names."""

    plan: Plan
    source: str
    _columns: dict[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._columns = {column.title: column for column in self.plan.columns}

    def read(self, number: int, record: FileRecord) -> Row | list[RowError] | None:
        """The row, what is wrong with it, or None for a line that holds nothing."""
        try:
            cells = self._cells(record)
        except CellError as error:
            return [RowError(number, "", error.reason, error.remedy)]
        if cells is None:
            return None
        return _Says(number, self.source, self.plan.lists).all_of(cells)

    def _cells(self, record: FileRecord) -> list[tuple[Column, Any]] | None:
        if record.fault == "too long":
            raise CellError(f"is longer than {MAX_ROW // 1024} KB", "remove or shorten it")
        if record.fault == "unbalanced":
            raise CellError(
                f"has a quote that is not closed within {MAX_LINES} lines",
                'close it, and double the quotes inside of a cell: ""',
            )
        if not record.raw.strip():
            return None
        if b"\0" in record.raw:
            raise CellError("holds a NUL byte", "save the file anew as text")
        return self._of_csv(record.raw) if self.plan.kind == "csv" else self._of_json(record.raw)

    def _of_csv(self, raw: bytes) -> list[tuple[Column, Any]]:
        try:
            text = raw.decode(self.plan.encoding)
            cells = next(csv.reader([text], delimiter=self.plan.delimiter))
        except UnicodeDecodeError:
            raise CellError(f"is not UTF-8: looks like {name_of(raw)}", "save it anew") from None
        except csv.Error:
            raise CellError("is no row of a CSV file", "quote cells that hold line ends") from None
        columns = self.plan.columns
        if len(cells) != len(columns):
            raise CellError(
                f"has {len(cells)} cells, and the header has {len(columns)}",
                f'quote cells that hold a "{self.plan.delimiter}"',
            )
        pairs = zip(columns, (cell.strip() for cell in cells), strict=True)
        return [(column, cell) for column, cell in pairs if cell and column.field]

    def _of_json(self, raw: bytes) -> list[tuple[Column, Any]]:
        try:
            document = read_json(raw)
        except InvalidJsonError as error:
            raise CellError(str(error).replace("the body", "the line"), "one object a line") from (
                None
            )
        if not isinstance(document, dict):
            raise CellError("is no JSON object", "one object in braces a line")
        found = []
        for title, value in _flat(document):
            column = self._column(title)
            if column.field and value not in (None, "", [], {}):
                found.append((column, value.strip() if isinstance(value, str) else value))
        if len(found) > MAX_FIELDS:
            raise CellError(f"has {len(found)} fields; a contact has room for {MAX_FIELDS}")
        return found

    def _column(self, title: str) -> Column:
        """The column of a JSON key: as mapped, or guessed; what is guessed once is remembered."""
        known = self._columns.get(title)
        if known is not None:
            return known
        found = guess(title, 0) if self.plan.guessed else Column(title)
        if len(self._columns) < 1000:  # a file with ever new keys must not fill the memory
            self._columns[title] = found
        return found


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys of an object; those of its `properties` and `consent` with the name before them."""
    for title, value in document.items():
        if title in {"properties", "consent"} and isinstance(value, dict):
            yield from ((f"{title}.{key}", inner) for key, inner in value.items())
        else:
            yield title, value


class _Says:
    """Collects what the cells of one row say."""

    def __init__(self, number: int, source: str, lists: tuple[str, ...]) -> None:
        self.number, self.source = number, source
        self.errors: list[RowError] = []
        self.identifiers: dict[IdentifierKind, str] = {}
        self.fields: dict[str, str] = {}
        self.properties: dict[str, Any] = {}
        self.lists = list(lists)
        self.changes: list[Change] = []
        self.consents: list[ConsentEvidence] = []
        self.granted = self.formulas = 0

    def all_of(self, cells: list[tuple[Column, Any]]) -> Row | list[RowError]:
        for column, cell in cells:
            try:
                self.take(column, cell)
            except CellError as error:
                self.errors.append(RowError(self.number, column.title, error.reason, error.remedy))
        if not self.identifiers and not self.errors:
            remedy = "fill in email, external_id or phone"
            self.errors.append(RowError(self.number, "", "says nobody whom it is about", remedy))
        if self.errors:
            return self.errors
        joined = [Change("set", f"lists.{name}", True) for name in dict.fromkeys(self.lists)]
        facts = ContactUpdate(
            fields=self.fields,
            properties=self.properties,
            consents=tuple(self.consents),
            changes=(*self.changes, *joined),
        )
        return Row(self.number, self.identifiers, facts, self.granted, self.formulas)

    def take(self, column: Column, cell: Any) -> None:
        home, _, name = column.field.partition(".")
        self.formulas += is_formula(cell)
        match home:
            case "email" | "external_id" | "phone":
                self.identifiers[home] = IDENTIFIERS[home](cell)
            case "properties":
                self.properties[name] = read_property(cell, column.type, column.format)
            case "lists":
                self.lists += read_lists(cell)
            case "consent":
                self.answer(name, read_consent(cell, column.withdrawn))
            case "stage":
                self.changes.append(Change("set", "stage", read_text(cell)))
            case "score":
                self.changes.append(Change("set", "score", read_number(cell)))
            case "frequency":
                self.changes.append(Change("set", FREQUENCY, read_frequency(cell)))
            case "snoozed_until":
                self.changes.append(Change("set", SNOOZED, read_instant(cell)))
            case _:
                self.fields[home] = read_field(cell, CONTACT_FIELDS[home])

    def answer(self, topic: str, state: str) -> None:
        if state == "withdrawn":
            fact = ConsentEvidence("withdrawn", METHOD, self.source, topic or None)
            self.consents.append(fact)
        self.granted += state == "granted"


def error_line(error: RowError) -> str:
    """A mistake as a line of the errors file; no cell of it is a formula in a spreadsheet."""
    cells = (str(error.row), error.column[:100], error.reason, error.remedy)
    return ",".join(safe_cell(cell) for cell in cells)


def safe_cell(text: str) -> str:
    """A cell of a CSV file, on one line, that a spreadsheet shows and does not run."""
    shown = " ".join(f"'{text}".split() if is_formula(text) else text.split())
    return '"' + shown.replace('"', '""') + '"' if "," in shown or '"' in shown else shown
