import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from milepost.domain.problems import Problem, suggest
from milepost.domain.report import Outcome, Report, as_json, as_markdown

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
OUTCOMES: tuple[Outcome, ...] = ("published", "unchanged", "refused", "archived", "kept")


def test_a_report_for_programs_says_everything() -> None:
    problem = Problem("steps[0]", "is wrong", "mend it")
    report = Report("workflows/cart.json", "refused", AT, problems=(problem, Problem("a", "b")))
    assert json.loads(as_json(report)) == {
        "file": "workflows/cart.json",
        "outcome": "refused",
        "at": "2026-11-22T09:30:00.000Z",
        "version": None,
        "note": None,
        "problems": [
            {"place": "steps[0]", "reason": "is wrong", "remedy": "mend it"},
            {"place": "a", "reason": "b", "remedy": None},
        ],
    }


def test_a_report_for_people_reads_like_a_sentence() -> None:
    report = Report("workflows/cart.json", "published", AT, "3", "9 transitions")
    assert as_markdown(report) == (
        "# `workflows/cart.json` is live as version 3\n\n2026-11-22T09:30:00.000Z\n\n"
        "9 transitions\n"
    )


def test_problems_are_a_table() -> None:
    report = Report("w.json", "refused", AT, problems=(Problem("steps[0]", "is wrong", "mend it"),))
    assert as_markdown(report).endswith(
        "| where | what | remedy |\n|---|---|---|\n| `steps[0]` | is wrong | mend it |\n"
    )


def test_every_outcome_has_its_words() -> None:
    words = {as_markdown(Report("w", outcome, AT)) for outcome in OUTCOMES}
    assert len(words) == len(OUTCOMES)


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_out_of_its_cell(place: str, reason: str, remedy: str) -> None:
    report = Report("w", "refused", AT, problems=(Problem(place, reason, remedy),))
    last = as_markdown(report).split("|---|---|---|\n")[1]
    assert last.count("\n") == 1
    assert last.replace("\\|", "").count("|") == 4
    assert "<" not in last
    assert json.loads(as_json(report))["problems"][0]["place"] == place


def test_a_problem_is_one_line() -> None:
    assert str(Problem("a", "b")) == "a: b"
    assert str(Problem("a", "b", "c")) == "a: b (c)"


def test_a_word_is_only_suggested_if_it_is_close() -> None:
    assert suggest("reminer", ["reminder", "offer"]) == 'did you mean "reminder"?'
    assert suggest("xyz", ["reminder", "offer"]) == ""
    assert suggest("", []) == ""
    assert suggest("x" * 1_000_000, ["reminder"]) == ""
