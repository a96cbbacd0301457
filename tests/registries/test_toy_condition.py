"""A new operator needs one row, a new condition leaf two, to work in the whole product."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.template import ROOT

Json = dict[str, Any]


@pytest.fixture(scope="module")
def toy() -> Json:
    """The results, from a separate process: the models of files are made once per process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.registries.toy_condition"],
        cwd=ROOT,
        env={"PYTHONPATH": f"layers/common:tools:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(done.stdout)
    return found


def test_new_conditions_decide_branch_and_audience_with_reason(toy: Json) -> None:
    assert toy["outcomes"] == {
        "mailed": ["to-old", "to-stranger"],
        "old": "contact.properties.joined is 2026-10-20 (condition: is longer ago than 10 days)",
        "reads": "yes: has not read news for 30 days",
        "kept out": [["asking", "trigger: has read news for 30 days"]],
    }


def test_new_conditions_move_contact_into_segment_by_time_alone(toy: Json) -> None:
    assert toy["before"] == []
    assert toy["entered"] == [
        ["old", "2026-11-07T00:00:00+00:00"],
        ["readers", "2026-11-27T00:00:00+00:00"],
    ]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("operator", "audience.longer_ago_than: score is a number, and cannot be compared"),
        ("bound", "audience.longer_ago_than: 'soon' is not a duration"),
        ("topic", 'audience.topic: settings.json has no topic "newz" (did you mean "news"?)'),
        ("place", "exit_on[0].where: a where here can only ask about `event`"),
    ],
)
def test_publishing_refuses_misused_new_conditions(toy: Json, wrong: str, problem: str) -> None:
    (found,) = toy["refused"][wrong]
    assert found.startswith(problem)


def test_publish_report_describes_new_conditions(toy: Json) -> None:
    old = "the contact's `properties.joined` is longer ago than 10 days"
    reads = "the contact has read `news` for 30 days"
    assert f"Only while {old} and it is not so that ({reads})" in toy["report"]
    assert f"- **yes**, if {old}:" in toy["report"]
    assert f"- **yes**, if {reads}:" in toy["report"]
    assert f"Everybody of whom this is true: {reads}." in toy["segment"]
    assert toy["picture"] in toy["report"]


def test_schema_describes_new_conditions_for_editors(toy: Json) -> None:
    assert toy["underlined"] == []
    assert toy["operator"]["description"] == "The date is longer ago than `30 days`."
    assert toy["leaf"]["reader_for"]["description"] == "For how long at least."


def test_reference_documents_new_operator_and_leaf(toy: Json) -> None:
    assert (
        "| `longer_ago_than` | duration | The date is longer ago than `30 days`. |" in toy["page"]
    )
    section = toy["page"].partition("### Condition `reader_for`")[2].partition("### ")[0]
    assert "| `reader_for` | duration | yes |  | For how long at least. |" in section
    assert '{"reader_for": "30 days", "topic": "news"}' in section
