import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from milepost.base.problems import Problem, did_you_mean
from milepost.publishing.report import (
    Outcome,
    PublishReport,
    as_json,
    as_markdown,
    as_message,
    headline,
    is_news,
)
from milepost.workflows.explain.explanation import Cost, Explanation
from tests.support.golden import REPORT, abandoned_cart_report

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
EXPLANATION = Explanation(
    picture="flowchart TD\n  a --> b\n",
    description="Begins.\n\n1. Wait.\n",
    difference=("`a` is new.", "`b` is gone."),
    prices="| way |\n|---|\n",
    on_publish="Nobody is inside.",
    paths=70,
    costs=(Cost(("b: yes",), ("mail",), 3, 0.175),),
)
OUTCOMES: tuple[Outcome, ...] = ("published", "unchanged", "refused", "archived", "kept")


def test_json_report_has_all_fields() -> None:
    problem = Problem("steps[0]", "is wrong", "mend it")
    report = PublishReport(
        "workflows/cart.json", "refused", AT, problems=(problem, Problem("a", "b"))
    )
    assert json.loads(as_json(report)) == {
        "file": "workflows/cart.json",
        "outcome": "refused",
        "at": "2026-11-22T09:30:00.000Z",
        "version": None,
        "note": None,
        "problems": [
            {"location": "steps[0]", "reason": "is wrong", "remedy": "mend it"},
            {"location": "a", "reason": "b", "remedy": None},
        ],
    }


def test_markdown_report_starts_with_the_outcome() -> None:
    report = PublishReport("workflows/cart.json", "published", AT, "3", "9 transitions")
    assert as_markdown(report) == (
        "# `workflows/cart.json` is live as version 3\n\n2026-11-22T09:30:00.000Z\n\n"
        "9 transitions\n"
    )


def test_markdown_report_lists_problems_in_a_table() -> None:
    report = PublishReport(
        "w.json", "refused", AT, problems=(Problem("steps[0]", "is wrong", "mend it"),)
    )
    assert as_markdown(report).endswith(
        "| where | what | remedy |\n|---|---|---|\n| `steps[0]` | is wrong | mend it |\n"
    )


def test_explanation_follows_outcome_and_problems() -> None:
    report = PublishReport(
        "w.json", "refused", AT, problems=(Problem("a", "b"),), explanation=EXPLANATION
    )
    assert as_markdown(report).endswith(
        "| `a` | b |  |\n\n"
        "## Picture\n\n```mermaid\nflowchart TD\n  a --> b\n```\n\n"
        "## In words\n\nBegins.\n\n1. Wait.\n\n"
        "## What changed\n\n- `a` is new.\n- `b` is gone.\n\n"
        "## What it costs\n\n| way |\n|---|\n\n"
        "## Active enrollments\n\nNobody is inside.\n"
    )


def test_report_without_changes_has_no_changes_heading() -> None:
    report = PublishReport(
        "w.json", "published", AT, explanation=EXPLANATION._replace(difference=())
    )
    assert "What changed" not in as_markdown(report)
    assert "## What it costs" in as_markdown(report)


def test_json_report_has_the_explanation_in_fields() -> None:
    report = PublishReport("w.json", "published", AT, explanation=EXPLANATION)
    assert json.loads(as_json(report))["explanation"] == {
        "picture": EXPLANATION.picture,
        "description": EXPLANATION.description,
        "difference": ["`a` is new.", "`b` is gone."],
        "prices": EXPLANATION.prices,
        "on_publish": "Nobody is inside.",
        "paths": 70,
        "costs": [
            {
                "choices": ["b: yes"],
                "mails": ["mail"],
                "transitions": 3,
                "usd_per_1000_contacts": 0.175,
            }
        ],
    }


def test_abandoned_cart_report_matches_the_golden_file() -> None:
    """`tests/support/golden.py` writes the file again. Review the difference."""
    assert abandoned_cart_report() == REPORT.read_text("utf-8")


def test_every_outcome_has_its_own_headline() -> None:
    words = {as_markdown(PublishReport("w", outcome, AT)) for outcome in OUTCOMES}
    assert len(words) == len(OUTCOMES)


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_out_of_its_table_cell(place: str, reason: str, remedy: str) -> None:
    report = PublishReport("w", "refused", AT, problems=(Problem(place, reason, remedy),))
    last = as_markdown(report).split("|---|---|---|\n")[1]
    assert last.count("\n") == 1
    assert last.replace("\\|", "").count("|") == 4
    assert "<" not in last
    assert json.loads(as_json(report))["problems"][0]["location"] == place


def test_problem_prints_on_one_line() -> None:
    assert str(Problem("a", "b")) == "a: b"
    assert str(Problem("a", "b", "c")) == "a: b (c)"


def test_only_a_close_word_is_suggested() -> None:
    assert did_you_mean("reminer", ["reminder", "offer"]) == 'did you mean "reminder"?'
    assert did_you_mean("xyz", ["reminder", "offer"]) == ""
    assert did_you_mean("", []) == ""
    assert did_you_mean("x" * 1_000_000, ["reminder"]) == ""


WRONG = PublishReport(
    "workflows/cart.json", "refused", AT, problems=(Problem("steps[0]", "is wrong"),)
)
LIVE = PublishReport("workflows/cart.json", "published", AT, "3", explanation=EXPLANATION)
STILL = LIVE._replace(outcome="unchanged")


def test_report_like_the_previous_one_is_no_news() -> None:
    later = datetime(2026, 11, 23, tzinfo=UTC)
    archived = PublishReport("workflows/cart.json", "archived", AT)
    for report in (WRONG, archived):
        assert is_news(report, None)
        assert not is_news(report._replace(at=later), as_json(report))
        assert is_news(report, "[]")
    assert is_news(WRONG, as_json(LIVE))
    assert is_news(WRONG, as_json(WRONG._replace(problems=(Problem("steps[1]", "is wrong"),))))


def test_new_live_version_is_always_news() -> None:
    assert is_news(LIVE, as_json(LIVE)), "settings have no version number"


def test_unchanged_is_news_only_after_a_refusal() -> None:
    assert is_news(STILL, as_json(WRONG))
    for before in (None, as_json(LIVE), as_json(STILL), "no report", "{}", "[]"):
        assert not is_news(STILL, before)


def test_headline_states_the_publish_result() -> None:
    prefix = "acme: workflows/cart.json"
    assert headline("acme", [WRONG]) == f"{prefix} was not published"
    assert headline("acme", [LIVE]) == f"{prefix} is live as version 3"
    assert headline("acme", [LIVE, WRONG, LIVE]) == "acme: 2 published, 1 refused"


def test_message_has_every_report_without_its_picture() -> None:
    message = as_message([WRONG, LIVE])
    assert message.startswith(as_markdown(WRONG))
    assert "## In words" in message
    assert "mermaid" not in message
    assert "Picture" not in message
