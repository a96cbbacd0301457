"""A file and its settings make a plan, or problems with remedies."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.transfer.imports.encodings import HEAD
from milepost.transfer.imports.file import ImportFile
from milepost.transfer.imports.plan import MAX_TITLES, Column, Plan, make_plan, parse_as_of
from milepost.transfer.imports.records import Kind
from tests.support.builders import MONDAY_NOON
from tests.support.template import ROOT


def settings(**said: Any) -> ImportFile:
    found = parse_file(json.dumps(said), ImportFile)
    assert isinstance(found, ImportFile), found
    return found


def plan(
    head: str | bytes, how: ImportFile | None = None, kind: Kind = "csv"
) -> Plan | list[Problem]:
    raw = head.encode() if isinstance(head, str) else head
    return make_plan(kind, raw[:HEAD], len(raw) <= HEAD, how)


def good(head: str | bytes, how: ImportFile | None = None, kind: Kind = "csv") -> Plan:
    found = plan(head, how, kind)
    assert isinstance(found, Plan), found
    return found


def wrong(head: str | bytes, how: ImportFile | None = None, kind: Kind = "csv") -> list[str]:
    found = plan(head, how, kind)
    assert isinstance(found, list), found
    return [str(problem) for problem in found]


def fields(head: str) -> list[str]:
    return [column.field for column in good(head).columns]


@pytest.mark.parametrize(
    ("title", "field"),
    [
        ("Email", "email"),
        ("E-Mail Address", "email"),
        ("customer_id", "external_id"),
        ("First Name", "first_name"),
        ("surname", "last_name"),
        ("Phone number", "phone"),
        ("Language", "locale"),
        ("Accepts Email Marketing", "consent"),
        ("Unsubscribed", "consent"),
        ("consent.news", "consent.news"),
        ("properties.Shoe_size", "properties.Shoe_size"),
        ("Favorite color", "properties.favorite_color"),
        ("2nd line", "properties.n_2nd_line"),
        ("誕生日", "properties.column_2"),
        ("lists", "lists"),
        ("frequency", "frequency"),
        ("snoozed_until", "snoozed_until"),
        ("Frequency", "properties.frequency"),
        ("", ""),
    ],
)
def test_column_field_is_guessed_from_its_title(title: str, field: str) -> None:
    head = f"{title}\n" if field == "email" else f"email,{title}\n"
    assert fields(head)[-1] == field


def test_unsubscribed_column_is_read_as_withdrawn_consent() -> None:
    assert good("email,Opt-Out\n").columns[1].withdrawn == ("yes", "true", "1", "y")


@pytest.mark.parametrize(("delimiter", "name"), [(",", "a"), (";", "b"), ("\t", "c"), ("|", "d")])
def test_delimiter_is_the_most_frequent_one_in_the_header(delimiter: str, name: str) -> None:
    found = good(f'email{delimiter}"a,b;c"{delimiter}{name}\n')
    assert found.delimiter == delimiter
    assert [column.title for column in found.columns] == ["email", "a,b;c", name]


def test_rows_begin_after_header_and_byte_order_mark() -> None:
    assert good("email\nx").start == 6
    assert good("\ufeffemail\nx").start == 9
    assert good('\ufeff{"email": 1}', kind="jsonl").start == 3


def test_file_without_settings_plans_a_dry_run() -> None:
    assert good("email\n").dry_run
    assert not good("email\n", settings()).dry_run
    assert good("email\n", settings(dry_run=True)).dry_run


def test_settings_select_the_columns_to_import() -> None:
    how = settings(columns={"Mail": "email", "Born": {"field": "properties.born", "type": "date"}})
    assert good("Mail,Born,Note\n", how).columns == (
        Column("Mail", "email"),
        Column("Born", "properties.born", "date"),
        Column("Note"),
    )


def test_plan_survives_json_round_trip() -> None:
    how = settings(
        columns={
            "Mail": "email",
            "News": {"field": "consent.news", "withdrawn": ["never"]},
            "Born": {"field": "properties.born", "type": "date", "format": "DD.MM.YYYY"},
        },
        lists=["vip"],
        enroll=True,
        encoding="windows-1252",
    )
    found = good("Mail;News;Born;x\n", how)
    assert Plan.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_unknown_column_title_suggests_nearest_title() -> None:
    how = settings(columns={"Emial": "email", "Gone": "phone"})
    assert wrong("Email,Name\n", how)[:2] == [
        'columns["Emial"]: is not a column of the file (did you mean "Email"?)',
        'columns["Gone"]: is not a column of the file (the titles must be written as in the file)',
    ]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("", "file: is empty (upload the file again, with a header and rows)"),
        ("\ufeff \n\n", "file: is empty"),
        ("name,city\n", "line 1: no column is email, external_id or phone (name the column in"),
        ("email,email\n", 'column "email": is there twice'),
        ("email,E-Mail\n", 'email: is what "email" and "E-Mail" both seem to be'),
        ("ada@mail.example,Ada\n", "line 1: is a contact and not the titles of the columns"),
        ("a" * HEAD * 2, "line 1: has no end where a header would end"),
        ("email," + ",".join(f"c{n}" for n in range(MAX_TITLES)) + "\n", "line 1: has more than"),
        ("email," + ",".join(f"c{n}" for n in range(95)) + "\n", "line 1: has 96 columns; a cont"),
        ("email\rada@mail.example\rbob@mail.example", "file: ends its lines as old Macs did"),
        (b"PK\x03\x04rest", "file: is a spreadsheet or a ZIP archive, and no CSV file"),
        (b"\x1f\x8brest", "file: is compressed (gzip) (unpack it first)"),
        ("email\n".encode("utf-16"), "file: is encoded in UTF-16, which cannot be read (save it"),
        ("email\n".encode("utf-16-le"), "file: is encoded in UTF-16 (without a mark)"),
        ("email\n".encode("utf-32"), "file: is encoded in UTF-32"),
        (
            "email,name\nx,José\n".encode("latin-1"),
            "file: is not UTF-8 (byte 0xE9 in line 2): looks like Latin-1 (ISO 8859-1) (save it as "
            '"CSV UTF-8" (Excel) or "Unicode (UTF-8)" (LibreOffice) and upload it again, or write '
            '"encoding": "iso-8859-1" if that is it)',
        ),
        (
            "email,price\nx,5 €\n".encode("cp1252"),
            "file: is not UTF-8 (byte 0x80 in line 2): looks like Windows-1252",
        ),
    ],
)
def test_unreadable_file_is_reported_with_remedy(head: str | bytes, said: str) -> None:
    assert wrong(head)[0].startswith(said)


def test_missing_header_is_reported_without_personal_data() -> None:
    assert "ada" not in " ".join(wrong("ada@mail.example,Ada Lovelace\n")).lower()


def test_named_encoding_is_used() -> None:
    found = good("émail,email\n".encode("latin-1"), settings(encoding="iso-8859-1"))
    assert [column.title for column in found.columns] == ["émail", "email"]


def test_file_head_may_end_inside_a_character() -> None:
    content = ("email\n" + "x" * (HEAD - 7)).encode() + "é".encode()
    assert len(content) == HEAD + 1
    assert good(content).columns == (Column("email", "email"),)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"columns": {"a": "emial"}}, "'emial' is not written as it must be"),
        ({"columns": {"a": "first_name"}}, "no column is mapped to email, external_id or phone"),
        ({"columns": {"a": "email", "b": "email"}}, "two columns are mapped to email"),
        ({"columns": {"a": {"field": "email", "type": "date"}}}, "only properties have a type"),
        (
            {"columns": {"a": {"field": "properties.x", "format": "DD.MM.YYYY"}}},
            'format is for properties of type "date"',
        ),
        (
            {"columns": {"a": {"field": "properties.x", "type": "date", "format": "DD.MM"}}},
            "format has DD, MM and YYYY, once each",
        ),
        ({"columns": {"a": {"field": "email", "withdrawn": ["x"]}}}, "withdrawn is for columns"),
        ({"as_of": "2026-01-01"}, "as_of"),
        ({"encoding": "utf-16"}, "encoding"),
        ({"lists": ["Very Important"]}, "is not written as it must be"),
        ({"rows_per_second": 0}, "rows_per_second"),
        ({"dryrun": True}, 'did you mean "dry_run"?'),
    ],
)
def test_invalid_settings_are_reported(said: dict[str, Any], problem: str) -> None:
    found = parse_file(json.dumps(said), ImportFile)
    assert isinstance(found, list)
    assert problem in " ".join(map(str, found))


def test_import_time_is_now_unless_settings_give_one() -> None:
    earlier = MONDAY_NOON - timedelta(days=9)
    assert parse_as_of(None, MONDAY_NOON) == parse_as_of(settings(), MONDAY_NOON) == MONDAY_NOON
    assert parse_as_of(settings(as_of=earlier.isoformat()), MONDAY_NOON) == earlier
    ahead = parse_as_of(settings(as_of="2027-01-01T00:00:00Z"), MONDAY_NOON)
    assert isinstance(ahead, list)
    assert str(ahead[0]).startswith("as_of: is in the future")


def test_documented_example_is_valid() -> None:
    page = (ROOT / "docs" / "importing.md").read_text("utf-8")
    example, _ = re.findall(r"```jsonc\n(.*?)```", page, re.DOTALL)
    how = parse_file(example, ImportFile)
    assert isinstance(how, ImportFile)
    header = "Mail,Customer,First name,Born,Orders,Newsletter,Note\n"
    assert len(good(header, how).columns) == 7
    described = {name for name in ImportFile.model_fields if f"`{name}`" in page}
    assert described >= set(ImportFile.model_fields) - {"schema_"}
