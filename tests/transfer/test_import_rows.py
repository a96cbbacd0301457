"""A row says something of one contact, or everything that is wrong with it, and never its cells."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.contacts.event import ConsentEvidence
from milepost.contacts.fields import Change
from milepost.transfer.imports.plan import Column, Plan
from milepost.transfer.imports.records import Fault, FileRecord
from milepost.transfer.imports.rows import Row, RowError, RowParser, error_line, safe_cell
from tests.support.laws import how_many

EMAIL = Column("Mail", "email")


def read(
    raw: str | bytes, *columns: Column, fault: Fault = "", **plan: Any
) -> Row | list[RowError] | None:
    line = raw.encode() if isinstance(raw, str) else raw
    how = Plan("csv", columns or (EMAIL,), guessed=False)._replace(**plan)
    return RowParser(how, "import people-1").read(7, FileRecord(0, len(line), line, fault))


def good(raw: str | bytes, *columns: Column, **plan: Any) -> Row:
    row = read(raw, *columns, **plan)
    assert isinstance(row, Row), row
    return row


def wrong(raw: str | bytes, *columns: Column, **plan: Any) -> list[str]:
    errors = read(raw, *columns, **plan)
    assert isinstance(errors, list), errors
    assert all(error.row == 7 for error in errors)
    return [f"{error.column}: {error.reason} ({error.remedy})" for error in errors]


def test_a_row_says_who_it_is_about_and_what_is_known() -> None:
    columns = (
        EMAIL, Column("Id", "external_id"), Column("Tel", "phone"), Column("F", "first_name"),
        Column("L", "last_name"), Column("Lang", "locale"), Column("TZ", "timezone"),
        Column("Lists", "lists"), Column("Stage", "stage"), Column("Score", "score"),
    )  # fmt: skip
    row = good(
        " Ada@Mail.Example ,C-7,+33 6 12 34 56 78,Ada,Lovelace,fa_ir,Asia/Tehran,vip; news,won,12",
        *columns,
    )
    assert row.identifiers == {
        "email": "ada@mail.example",
        "external_id": "C-7",
        "phone": "+33612345678",
    }
    facts = row.facts
    assert facts.fields == {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "locale": "fa-IR",
        "timezone": "Asia/Tehran",
    }
    assert facts.changes == (
        Change("set", "stage", "won"),
        Change("set", "score", 12),
        Change("set", "lists.vip", True),
        Change("set", "lists.news", True),
    )


@pytest.mark.parametrize(
    ("type_", "cell", "value"),
    [
        ("text", "0049", "0049"),
        ("number", "12", 12),
        ("number", "-12.50", -12.5),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("date", "1990-02-28", "1990-02-28"),
        ("instant", "2026-11-22T10:30:00+01:00", "2026-11-22T09:30:00.000Z"),
        ("list", "red; blue;red", ["red", "blue"]),
    ],
)
def test_a_property_is_of_the_type_that_the_settings_say(type_: Any, cell: str, value: Any) -> None:
    row = good(f"ada@mail.example,{cell}", EMAIL, Column("P", "properties.p", type_))
    assert row.facts.properties == {"p": value}
    assert type(row.facts.properties["p"]) is type(value)


@pytest.mark.parametrize(
    ("format_", "cell", "day"),
    [("DD.MM.YYYY", "1.2.1990", "1990-02-01"), ("MM/DD/YYYY", "02/28/1990", "1990-02-28")],
)
def test_a_date_is_read_as_the_settings_say_it_is_written(
    format_: str, cell: str, day: str
) -> None:
    column = Column("P", "properties.p", "date", format_)
    assert good(f"ada@mail.example,{cell}", EMAIL, column).facts.properties == {"p": day}


def test_an_empty_cell_says_nothing() -> None:
    row = good("ada@mail.example,,", EMAIL, Column("F", "first_name"), Column("P", "properties.p"))
    assert row.facts.fields == {}
    assert row.facts.properties == {}


@pytest.mark.parametrize("line", ["", "  ", "\t"])
def test_an_empty_line_is_no_row(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize("word", ["no", "FALSE", "Unsubscribed", "cleaned", "opted out"])
def test_a_no_is_taken(word: str) -> None:
    row = good(f"ada@mail.example,{word}", EMAIL, Column("C", "consent.news"))
    assert row.facts.consents == (
        ConsentEvidence("withdrawn", "import", "import people-1", "news"),
    )


@pytest.mark.parametrize("word", ["yes", "TRUE", "subscribed", "opted in"])
def test_a_yes_is_counted_and_not_taken(word: str) -> None:
    row = good(f"ada@mail.example,{word}", EMAIL, Column("C", "consent"))
    assert row.facts.consents == ()
    assert row.granted == 1


def test_an_answer_that_is_not_known_is_a_mistake_and_not_a_guess() -> None:
    assert wrong("ada@mail.example,perhaps", EMAIL, Column("C", "consent")) == [
        'C: is an answer that is not known here (say in "withdrawn" which words of this column '
        "mean no)"
    ]
    column = Column("C", "consent", withdrawn=("Never",))
    assert good("ada@mail.example,perhaps", EMAIL, column).facts.consents == ()
    (fact,) = good("ada@mail.example,never", EMAIL, column).facts.consents
    assert (fact.state, fact.topic) == ("withdrawn", None)


@pytest.mark.parametrize(
    ("field", "cell", "said"),
    [
        ("frequency", "daily", "C: is neither all, weekly nor monthly (write one of them, or map"),
        ("snoozed_until", "2027-02-01", "C: is not a time with an offset (write it as 2026-"),
    ],
)
def test_a_wish_that_readers_cannot_have_is_a_mistake(field: str, cell: str, said: str) -> None:
    assert wrong(f"ada@mail.example,{cell}", EMAIL, Column("C", field))[0].startswith(said)


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+cmd", "@SUM(A1)", "-2+3"])
def test_a_formula_is_kept_as_the_text_it_is_and_counted(cell: str) -> None:
    row = good(f"ada@mail.example,{cell}", EMAIL, Column("F", "first_name"))
    assert row.facts.fields == {"first_name": cell}
    assert row.formulas == 1


@pytest.mark.parametrize("cell", ["-12", "+33612345678", "plain"])
def test_a_number_or_a_telephone_is_no_formula(cell: str) -> None:
    assert good(f"ada@mail.example,{cell}", EMAIL, Column("F", "first_name")).formulas == 0


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("nobody", "Mail: is not an e-mail address that mail can be sent to (write it as name@"),
        ("a@b.example,c", ": has 2 cells, and the header has 1 (quote cells that hold a"),
        (b"a@b.example\0", ": holds a NUL byte (save the file anew as text)"),
        ("J\xe9".encode("latin-1"), ": is not UTF-8: looks like Latin-1 (ISO 8859-1) (save it an"),
        ("x\ry", ": is no row of a CSV file (quote cells that hold line ends)"),
    ],
)
def test_what_is_wrong_with_a_row_is_told_with_a_remedy(raw: str | bytes, said: str) -> None:
    assert wrong(raw)[0].startswith(said)


@pytest.mark.parametrize(
    ("fault", "said"),
    [("too long", ": is longer than 64 KB"), ("unbalanced", ": has a quote that is not closed")],
)
def test_what_is_wrong_with_a_record_is_told(fault: Fault, said: str) -> None:
    assert wrong("x", fault=fault)[0].startswith(said)


def test_all_mistakes_of_a_row_come_at_once_and_none_quotes_a_cell() -> None:
    columns = (
        Column("Tel", "phone"), Column("TZ", "timezone"), Column("Lang", "locale"),
        Column("N", "properties.n", "number"), Column("B", "properties.b", "boolean"),
        Column("D", "properties.d", "date"), Column("I", "properties.i", "instant"),
        Column("S", "score"), Column("Ls", "lists"), Column("X", "external_id"),
    )  # fmt: skip
    found = wrong(",".join(["Wren Canary!"] * len(columns)), *columns)
    assert [each.partition(":")[0] for each in found] == [column.title for column in columns]
    assert "canary" not in " ".join(found).lower()


def test_a_row_about_nobody_is_a_mistake() -> None:
    column = Column("F", "first_name")
    assert wrong("Ada", column) == [
        ": says nobody whom it is about (fill in email, external_id or phone)"
    ]


def test_a_value_that_a_profile_does_not_keep_is_a_mistake() -> None:
    column = Column("P", "properties.p")
    assert wrong(f"a@b.example,{'x' * 1025}", EMAIL, column)[0].startswith("P: is longer than 1024")


# --- JSON lines ---


def line(document: Any, guessed: bool = True, *columns: Column) -> Row | list[RowError] | None:
    return read(json.dumps(document), *columns, kind="jsonl", guessed=guessed)


def test_a_json_line_says_what_a_row_does() -> None:
    row = line(
        {
            "email": "ada@mail.example",
            "first_name": "Ada",
            "properties": {"vip": True, "sizes": [38, 39], "none": None},
            "lists": {"vip": True, "old": False},
            "consent": {"offers": {"state": "withdrawn"}, "news": {"state": "granted"}},
            "contact": "c0123",
            "totals": {"Order Completed": {"count": 3}},
        }
    )
    assert isinstance(row, Row)
    assert row.identifiers == {"email": "ada@mail.example"}
    assert row.facts.properties == {"vip": True, "sizes": [38, 39]}
    assert row.facts.changes == (Change("set", "lists.vip", True),)
    assert [(fact.topic, fact.state) for fact in row.facts.consents] == [("offers", "withdrawn")]
    assert row.granted == 1


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"email": ', ": the line is not JSON: "),
        ("[1]", ": is no JSON object"),
        ('{"email": NaN}', ": NaN is not JSON"),
        ('{"email": 7}', "email: is no text"),
        ('{"email": "a@b.example", "lists": 3}', "lists: is no text"),
        ('{"email": "a@b.example", "lists": [3]}', "lists: is no list of texts"),
        ('{"id": true}', "id: is not an id"),
        (json.dumps({f"p{n}": n for n in range(95)}), ": has 95 fields; a contact has room for"),
    ],
)
def test_what_is_wrong_with_a_json_line_is_told(raw: str, said: str) -> None:
    found = read(raw, kind="jsonl", guessed=True)
    assert isinstance(found, list)
    assert f"{found[0].column}: {found[0].reason}".startswith(said)


def test_a_number_is_an_id_as_it_is_written() -> None:
    row = line({"id": 7})
    assert isinstance(row, Row)
    assert row.identifiers == {"external_id": "7"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["email", "id", "phone", "consent", "consent.x", "lists", "score", "stage", "properties", "tz"]
)


@given(st.dictionaries(keys | st.text(max_size=5), anything, max_size=5) | anything)
@settings(max_examples=how_many(500), deadline=None)
def test_any_json_at_all_is_a_row_or_mistakes(document: Any) -> None:
    assert isinstance(line(document), Row | list | None)


@given(st.binary(max_size=80))
@settings(max_examples=how_many(500), deadline=None)
def test_any_bytes_at_all_are_a_row_or_mistakes(raw: bytes) -> None:
    assert isinstance(read(raw), Row | list | None)


# --- the list of mistakes ---


def test_a_mistake_is_one_line_that_no_spreadsheet_runs() -> None:
    error = RowError(3, "=cmd()", 'is "bad"', "mend it, please")
    assert error_line(error) == '3,\'=cmd(),"is ""bad""","mend it, please"'
    assert safe_cell("two\nlines") == "two lines"
