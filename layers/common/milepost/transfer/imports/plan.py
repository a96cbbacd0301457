"""What is done with a file: its settings and its header come to a plan, or to what is wrong."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base.problems import Problem, did_you_mean
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.transfer.imports.cells import IDENTIFIERS, Type
from milepost.transfer.imports.encodings import BOM, HEAD, Encoding, detect_encoding
from milepost.transfer.imports.records import Kind, records

if TYPE_CHECKING:
    from datetime import datetime

    from milepost.transfer.imports.file import ImportFile


DELIMITERS = (",", ";", "\t", "|")
MAX_FIELDS = 90
MAX_TITLES = 500
_UPLOAD_AGAIN = "write the titles of the columns into the first line and upload the file again"

_GUESSES: Mapping[str, tuple[str, ...]] = {
    "email": ("email", "emailaddress", "mail", "customeremail", "emails"),
    "external_id": ("externalid", "customerid", "id", "userid", "clientid"),
    "phone": ("phone", "phonenumber", "mobile", "mobilephone", "cellphone", "tel", "telephone"),
    **{name: (name, *field.aliases) for name, field in CONTACT_FIELDS.items()},
    "stage": ("stage", "lifecyclestage"),
    "score": ("score", "leadscore"),
    "lists": ("lists", "list"),
    "frequency": (),
    "snoozed_until": (),
    "consent": (
        "consent", "acceptsmarketing", "acceptsemailmarketing", "emailconsent", "marketingconsent",
        "subscribed", "optin", "emailoptin", "subscriptionstatus", "newsletter",
    ),
    "unsubscribed": ("unsubscribed", "optout", "emailoptout", "optedout", "donotmail"),
    "": ("contact", "metrics", "totals", "segments"),
}  # fmt: skip
"""What titles mean. Words that shops use for other things, too, mean a field only as exports write
them: frequency."""


def _bare(title: str) -> str:
    return re.sub(r"[\W_]+", "", title.lower())


_FIELD_OF = {_bare(guess): field for field, guesses in _GUESSES.items() for guess in guesses}
_PLAIN = frozenset(_GUESSES) - {"unsubscribed", ""}
YES = ("yes", "true", "1", "y")


class Column(NamedTuple):
    """A column of the file and what it means; no field: it is left out."""

    title: str
    field: str = ""
    type: Type = "text"
    format: str = ""
    withdrawn: tuple[str, ...] = ()


class Plan(NamedTuple):
    """How a file is read, and what is done with its rows. `start` is where its rows begin."""

    kind: Kind
    columns: tuple[Column, ...] = ()
    guessed: bool = True
    dry_run: bool = True
    lists: tuple[str, ...] = ()
    enroll: bool = False
    encoding: Encoding = "utf-8"
    delimiter: str = ","
    rate: int = 500
    start: int = 0

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "columns": [[*column] for column in self.columns]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Plan":
        columns = tuple(
            Column(title, field, type_, written, tuple(withdrawn))
            for title, field, type_, written, withdrawn in document["columns"]
        )
        return cls(**{**document, "columns": columns, "lists": tuple(document["lists"])})


def make_plan(
    kind: Kind, head: bytes, whole: bool, settings: "ImportFile | None"
) -> Plan | list[Problem]:
    """The plan for a file that begins like this; without settings nothing but a dry run."""
    encoding = settings.encoding if settings and kind == "csv" else "utf-8"
    problems = detect_encoding(head, whole, encoding)
    if problems:
        return problems
    given = _given(settings)
    plan = Plan(
        kind=kind,
        columns=given,
        guessed=not given,
        dry_run=settings is None or settings.dry_run,
        lists=tuple(settings.lists) if settings else (),
        enroll=settings is not None and settings.enroll,
        encoding=encoding,
        rate=settings.rows_per_second if settings else 5000,
        start=len(BOM) if head.startswith(BOM) else 0,
    )
    if kind == "jsonl":
        return plan
    return _with_header(plan, head, settings.delimiter if settings else None)


def parse_as_of(settings: "ImportFile | None", now: "datetime") -> "datetime | list[Problem]":
    """The instant that the values of a file are from."""
    if settings is None or settings.as_of is None:
        return now
    if settings.as_of > now:
        return [Problem("as_of", "is in the future", "leave it out, or say when the file was made")]
    return settings.as_of


def guess(title: str, number: int) -> Column:
    """What a column most likely means, by its title; an own property if nothing else."""
    title_ = title.strip()
    home, dot, rest = title_.partition(".")
    if title_ in _PLAIN or (dot and home == "consent" and re.fullmatch(r"[a-z0-9-]{1,40}", rest)):
        return Column(title, title_)
    if dot and home == "properties":
        return Column(title, f"properties.{_name(rest, number)}")
    field = _FIELD_OF.get(_bare(title_))
    if field == "unsubscribed":
        return Column(title, "consent", withdrawn=YES)
    return Column(title, f"properties.{_name(title_.lower(), number)}" if field is None else field)


def _name(title: str, number: int) -> str:
    """The name of a property: `Date of birth` is date_of_birth, `誕生日` column_4."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", title).strip("_-")
    if not re.search("[A-Za-z0-9]", name):
        return f"column_{number}"
    return (name if name[0].isalpha() else f"n_{name}")[:60]


def _given(settings: "ImportFile | None") -> tuple[Column, ...]:
    found = []
    for title, said in settings.columns.items() if settings else ():
        if said is None or isinstance(said, str):
            found.append(Column(title, said or ""))
        else:
            words = tuple(said.withdrawn)
            found.append(Column(title, said.field, said.type, said.format or "", words))
    return tuple(found)


def _with_header(plan: Plan, head: bytes, delimiter: str | None) -> Plan | list[Problem]:
    line = head[plan.start :].split(b"\n", 1)[0].decode(plan.encoding, "replace")
    parted = delimiter or max(DELIMITERS, key=lambda each: _outside_quotes(line).count(each))
    first = next(records([head[plan.start :]], plan.start, "csv", parted.encode()))
    if first.fault or (b"\n" not in head and len(head) >= HEAD):
        return [Problem("line 1", "has no end where a header would end", _UPLOAD_AGAIN)]
    header = first.raw.decode(plan.encoding, "replace")
    titles = [title.strip() for title in next(csv.reader([header], delimiter=parted), [])]
    if problems := [*_wrong_titles(titles)]:
        return problems
    columns = _columns(plan.columns, titles)
    if problems := [*_wrong_columns(plan.columns, columns, titles)]:
        return problems
    return plan._replace(columns=columns, delimiter=parted, start=first.end)


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _wrong_titles(titles: Sequence[str]) -> Iterable[Problem]:
    # A row of somebody's data in the place of the header is not quoted: reports hold no such thing.
    if any("@" in title for title in titles):
        yield Problem("line 1", "is a contact and not the titles of the columns", _UPLOAD_AGAIN)
        return
    if len(titles) > MAX_TITLES:
        yield Problem("line 1", f"has more than {MAX_TITLES} columns", "leave some out")
        return
    for number, title in enumerate(titles, 1):
        if titles.count(title) > 1 and titles.index(title) < number - 1 and title:
            yield Problem(f'column "{title}"', "is there twice", "rename or delete one of the two")
        if any(ord(letter) < 32 for letter in title):
            yield Problem(f"column {number}", "has a title with control characters", _UPLOAD_AGAIN)


def _columns(given: Sequence[Column], titles: Sequence[str]) -> tuple[Column, ...]:
    if not given:
        return tuple(
            guess(title, number) if title else Column("") for number, title in enumerate(titles, 1)
        )
    known = {column.title: column for column in given}
    return tuple(known.get(title, Column(title)) for title in titles)


def _wrong_columns(
    given: Sequence[Column], columns: Sequence[Column], titles: Sequence[str]
) -> Iterable[Problem]:
    for column in given:
        if column.title not in titles:
            hint = did_you_mean(column.title, titles) or "the titles must be written as in the file"
            yield Problem(f'columns["{column.title}"]', "is not a column of the file", hint)
    fields = [column.field for column in columns if column.field]
    for field in sorted({field for field in fields if fields.count(field) > 1}):
        named = " and ".join(f'"{c.title}"' for c in columns if c.field == field)
        remedy = 'say in "columns" which one counts, and null for the other'
        yield Problem(field, f"is what {named} both seem to be", remedy)
    if not set(fields) & set(IDENTIFIERS):
        remedy = 'name the column in "columns", as in {"Mail": "email"}'
        yield Problem("line 1", "no column is email, external_id or phone", remedy)
    if len(fields) > MAX_FIELDS:
        reason = f"has {len(fields)} columns; a contact has room for {MAX_FIELDS} fields"
        yield Problem("line 1", reason, 'name those to be taken in "columns"')
