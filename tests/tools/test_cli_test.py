"""`milepost test` runs a workflow's test cases and shows a trace of each failure."""

from pathlib import Path
from typing import Any

import pytest

from milepost.publishing.workflows import path_of_tests
from milepost.simulator.file import START
from milepost.simulator.publish import open_shop
from milepost.simulator.test_case import STORE
from milepost.simulator.workflow_tests import run_publish_tests, run_test_file
from tests.support.builders import Json, delay, send, shop, text, workflow
from tests.support.commands import Answer, milepost, write
from tests.support.template import ROOT

CART = workflow(delay("1 hour"), send("reminder"), category="transactional")


def case(name: str = "a case", *, expect: Json, **story: Any) -> Json:
    return {"name": name, "expect": expect, **story}


def file_of(*cases: Json, of: str = "cart") -> Json:
    return {"workflow": of, "cases": list(cases)}


def tried(folder: Path, *cases: Json) -> Answer:
    write(folder, shop(cart=CART) | {"tests/cart.test.json": file_of(*cases)})
    return milepost("test", folder)


def test_shipped_workflows_pass_their_tests() -> None:
    answer = milepost("test", ROOT / "workflows")
    assert answer.code == 0
    assert answer.lines[-1] == "12 cases: all good"
    assert all(line.startswith("ok      ") for line in answer.lines[:-1])


def test_one_workflow_can_be_tested_alone() -> None:
    answer = milepost("test", ROOT / "workflows" / "welcome.json")
    assert answer.lines[-1] == "4 cases: all good"
    assert milepost("test", ROOT / "workflows" / "tests" / "welcome.test.json") == answer


def test_failed_test_case_prints_expected_actual_and_trace(tmp_path: Path) -> None:
    wanted = {"messages": [{"step": "reminder", "after": "2 hours"}]}
    answer = tried(tmp_path, case("it waits for two hours", expect=wanted))
    assert answer.code == 1
    assert answer.lines == [
        "FAILED  cart: it waits for two hours",
        f"{tmp_path}/tests/cart.test.json: cases[0].expect.messages[0].after: "
        "expected 2 hours, but it was 1 hour",
        "what happened:",
        "Mon 2026-01-05 09:00  Checkout Started",
        "Mon 2026-01-05 09:00  enters cart",
        "Mon 2026-01-05 09:00  wait-1-hour: waits until Mon 2026-01-05 10:00",
        'Mon 2026-01-05 10:00  reminder: mails "About plain" to shopper@mail.example',
        "Mon 2026-01-05 10:00  leaves cart, completed",
        "",
        "1 of 1 case failed",
    ]


FAILING: list[tuple[Json, str]] = [
    ({"messages": []}, "messages: expected none, but it was reminder after 1 hour"),
    ({"messages": [{"step": "offer"}]}, "messages: expected offer, but it was reminder"),
    (
        {"messages": [{"step": "reminder", "at": "2026-01-05T11:00:00+01:00"}, {"step": "a"}]},
        "messages: expected reminder, a, but it was reminder after 1 hour",
    ),
    (
        {"messages": [{"step": "reminder", "at": "2026-01-05T11:00:00Z"}]},
        "at: expected 2026-01-05T11:00:00.000Z, but it was 2026-01-05T10:00:00.000Z",
    ),
    (
        {"messages": [{"step": "reminder", "subject": "Hello"}]},
        'subject: expected "Hello", but it was "About plain"',
    ),
    ({"messages": [{"step": "reminder", "locale": "fa"}]}, "locale: expected fa, but it was en"),
    ({"path": ["reminder"]}, "path: expected reminder, but it was wait-1-hour, reminder"),
    ({"ends": "exited"}, "ends: expected exited, but it was completed"),
    ({"ends": "completed", "reason": "bored"}, 'reason: expected "bored", but it was ""'),
]


@pytest.mark.parametrize(("expect", "sentence"), FAILING)
def test_every_expectation_can_fail(tmp_path: Path, expect: Json, sentence: str) -> None:
    answer = tried(tmp_path, case(expect=expect))
    assert answer.code == 1
    assert sentence in answer.out


HOLDING: list[Json] = [
    {"messages": [{"step": "reminder", "at": "2026-01-05T11:00:00+01:00"}]},
    {"messages": [{"step": "reminder", "after": "PT1H", "subject": "About plain"}]},
    {"path": ["wait-1-hour", "reminder"]},
    {"ends": "completed"},
    {"reason": ""},
]


@pytest.mark.parametrize("expect", HOLDING)
def test_every_expectation_can_pass(tmp_path: Path, expect: Json) -> None:
    assert tried(tmp_path, case(expect=expect)).lines[-1] == "1 case: all good"


def test_test_case_with_impossible_event_fails(tmp_path: Path) -> None:
    clicks = [{"after": "1 minute", "clicks": "reminder"}]
    answer = tried(tmp_path, case(events=clicks, expect={"ends": "completed"}))
    assert 'cases[0].events[0].clicks: no mail of step "reminder" has gone out' in answer.out


def test_passed_and_failed_cases_are_counted(tmp_path: Path) -> None:
    good, bad = case(expect={"ends": "completed"}), case(expect={"ends": "exited"})
    assert tried(tmp_path, good, bad, good).lines[-1] == "1 of 3 cases failed"


def test_refused_workflow_fails_its_tests(tmp_path: Path) -> None:
    files = shop(cart=workflow(send("a", "plane")))
    files["tests/cart.test.json"] = file_of(case(expect={"ends": "completed"}))
    answer = milepost("test", write(tmp_path, files))
    assert answer.code == 1
    assert f"{tmp_path}/workflows/cart.json: steps[0].template" in answer.lines[0]


def test_tests_without_a_workflow_fail(tmp_path: Path) -> None:
    tests = file_of(case(expect={"ends": "completed"}), of="crat")
    answer = milepost("test", write(tmp_path, shop(cart=CART) | {"tests/a.test.json": tests}))
    assert answer.code == 1
    assert 'no workflow named "crat" (did you mean "cart"?)' in answer.lines[0]


def test_store_without_tests_is_told_where_to_put_them(tmp_path: Path) -> None:
    answer = milepost("test", write(tmp_path, shop(cart=CART)))
    assert answer.code == 0
    assert answer.lines == ["there are no tests: write some into tests/<workflow>.test.json"]


def test_json_option_prints_json(tmp_path: Path) -> None:
    tried(tmp_path, case("it ends", expect={"ends": "exited"}))
    (only,) = milepost("test", tmp_path, "--json").json
    assert (only["workflow"], only["case"]) == ("cart", "it ends")
    assert only["problems"][0]["location"] == "cases[0].expect.ends"


WRONG: list[tuple[str, str]] = [
    ("", "this is not JSON"),
    ("[]", "must be one JSON object"),
    ("{}", "cases: is missing"),
    ('{"workflow": "cart", "cases": [{"name": "a", "expect": {}}]}', "expects nothing"),
    ('{"workflow": "cart", "cases": [{"name": "a"}]}', "cases[0].expect: is missing"),
    (
        '{"workflow": "cart", "cases": [{"name": "a", "expect": {"endz": "exited"}}]}',
        'did you mean "ends"?',
    ),
    (
        '{"workflow": "cart", "cases": [{"name": "a", "expect": {"ends": "exitd"}}]}',
        'did you mean "exited"?',
    ),
    (
        '{"workflow": "cart", "cases": [{"name": "a", "expect": {"messages": '
        '[{"step": "a", "at": "2026-01-05T11:00:00Z", "after": "1 hour"}]}}]}',
        "has both at and after",
    ),
    ('{"a":' * 150_000, "nested too deeply"),
]


@pytest.mark.parametrize(("content", "sentence"), WRONG)
def test_invalid_file_prints_an_error(tmp_path: Path, content: str, sentence: str) -> None:
    write(tmp_path, shop(cart=CART) | {"tests/cart.test.json": content})
    answer = milepost("test", tmp_path)
    assert answer.code == 1
    assert sentence in answer.out


def test_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    assert milepost("test", tmp_path / "nowhere").code == 2


# --- the test cases as publishing runs them ---


def test_publish_tests_report_every_failure() -> None:
    files = {path: text(content) for path, content in shop(cart=CART).items()}
    wrong = text(file_of(case(expect={"ends": "exited"})))
    (problem,) = run_test_file(files, wrong)
    assert problem.location == "cases[0].expect.ends"
    assert problem.reason == "expected exited, but it was completed"
    assert run_test_file(files, text(file_of(case(expect={"ends": "completed"})))) == []
    assert run_test_file(files, "{}") != []
    assert run_test_file(files, text(file_of(case(expect={"ends": "exited"}), of="x"))) != []
    refused = files | {"workflows/cart.json": "{}"}
    (*_, last) = run_test_file(refused, wrong)
    assert last.location.startswith("workflows/cart.json: ")


def test_publish_tests_run_with_unpublished_workflow() -> None:
    shop_ = open_shop({path: text(content) for path, content in shop(cart=CART).items()}, START)
    settings = shop_.shelf.head(STORE).settings
    templates = list(shop_.shelf.templates.values())

    def proven(tests: Json) -> list[str]:
        problems = run_publish_tests(shop_.program("cart"), settings, templates, text(tests))
        return [str(problem) for problem in problems]

    assert proven(file_of(case(expect={"messages": [{"step": "reminder"}]}))) == []
    (failed,) = proven(file_of(case(expect={"messages": []})))
    assert failed.startswith("cases[0].expect.messages: expected none")
    assert proven(file_of(case(expect={"ends": "completed"}), of="other")) == [
        'workflow: no workflow named "other"'
    ]
    assert proven({}) != []
    assert path_of_tests("cart") == "tests/cart.test.json"
