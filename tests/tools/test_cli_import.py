"""`milepost import --dry-run` checks a file of contacts locally."""

import json
from pathlib import Path

import pytest

from tests.support.commands import milepost

PEOPLE = "Email,First Name\nada@mail.example,Ada\nbob@mail.example,=Bob\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


def test_valid_import_file_is_reported_as_valid(people: Path) -> None:
    answer = milepost("import", people, "--dry-run")
    assert answer.lines == [
        "Email: email",
        "First Name: first_name",
        "2 rows: 2 good, 1 with formulas, kept as text",
    ]
    assert answer.code == 0


def test_import_errors_name_row_and_column(people: Path) -> None:
    people.write_text(PEOPLE + "nobody,x\nada@mail.example,Again\n")
    answer = milepost("import", people, "--dry-run")
    assert answer.lines[2:] == [
        f"{people}: row 4, Email: is not an e-mail address that mail can be sent to (write it as "
        "name@shop.example)",
        f"{people}: row 5: is about the contact of row 2, which was taken (keep one row a contact)",
        "4 rows: 2 good, 1 with mistakes, 1 about a contact of an earlier row, 1 with formulas, "
        "kept as text",
    ]
    assert answer.code == 1


def test_all_import_errors_are_written_to_errors_file(people: Path, tmp_path: Path) -> None:
    people.write_text("Email\n" + "nobody\n" * 50)
    answer = milepost("import", people, "--dry-run", "--errors", tmp_path / "errors.csv")
    assert "and 30 more: --errors FILE lists them all" in answer.lines
    assert len((tmp_path / "errors.csv").read_text().splitlines()) == 51
    assert milepost("import", people, "--dry-run", "--errors", tmp_path).code == 2


def test_import_settings_are_beside_file_or_at_given_path(people: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"columns": {"Email": "email"}}')
    answer = milepost("import", people, "--dry-run", "--settings", other)
    assert answer.lines[1] == "First Name: left out"
    (tmp_path / "people.import.json").write_text('{"colums": {}}')
    answer = milepost("import", people, "--dry-run")
    assert answer.code == 1
    assert 'colums: is not a field that is known here (did you mean "columns"?)' in answer.out


def test_json_option_prints_json(people: Path) -> None:
    people.write_text(PEOPLE.replace("First Name", "Accepts Marketing").replace("Ada", "no"))
    people.write_text(people.read_text().replace("=Bob", "yes"))
    found = milepost("import", people, "--dry-run", "--json").json
    assert found["columns"][1] == {"column": "Accepts Marketing", "field": "consent"}
    assert (found["rows"], found["withdrawn"], found["granted"]) == (2, 1, 1)
    assert found["problems"] == []


def test_terminal_shows_import_progress(people: Path) -> None:
    answer = milepost("import", people, "--dry-run", terminal=True)
    assert answer.code == 0
    assert "100%" in answer.out


def test_json_lines_file_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(json.dumps({"email": "ada@mail.example"}) + "\n\n[]\n")
    answer = milepost("import", file, "--dry-run")
    assert answer.lines[0].startswith(f"{file}: row 3: is no JSON object")
    assert answer.lines[-1] == "2 rows: 1 good, 1 with mistakes"


def test_unreadable_import_file_is_refused(people: Path) -> None:
    people.write_bytes(PEOPLE.encode("utf-16"))
    answer = milepost("import", people, "--dry-run")
    assert answer.code == 1
    assert f"{people}: file: is encoded in UTF-16" in answer.out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.csv", "there is no such file"),
        ("people.xlsx", "its name ends neither in .csv nor in .jsonl"),
    ],
)
def test_uncheckable_import_prints_an_error(tmp_path: Path, name: str, said: str) -> None:
    answer = milepost("import", tmp_path / name, "--dry-run")
    assert answer.code == 2
    assert said in answer.err


def test_import_without_dry_run_is_refused(people: Path) -> None:
    answer = milepost("import", people)
    assert answer.code == 2
    assert "add --dry-run to check it. To import it, upload it to imports/" in answer.err
