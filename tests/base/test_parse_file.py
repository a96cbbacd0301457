import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.transitions import transitions
from milepost.base.parse_file import MAX_FILE, parse_file
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.enrollments.program import Program
from milepost.publishing.settings_file import SettingsFile
from milepost.workflows.compiler.check_conditions import check_conditions
from milepost.workflows.compiler.check_steps import build_program, check_flow
from milepost.workflows.compiler.state_machine import MachineConfig, state_machine
from milepost.workflows.language.workflow import Workflow
from tests.support import builders
from tests.support.builders import branch, delay, leave, send, wait_for, workflow
from tests.support.json_strategy import documents
from tests.support.laws import how_many
from tests.support.random_workflows import workflows

Json = dict[str, Any]


def problems(document: Any, **head: Any) -> list[str]:
    text = document if isinstance(document, str) else json.dumps({**document, **head})
    found = parse_file(text, Workflow)
    return [str(problem) for problem in found] if isinstance(found, list) else []


def of_step(*steps: Json) -> list[str]:
    return problems(workflow(*steps))


def of_condition(condition: Any) -> list[str]:
    return problems(workflow(send("a")), audience=condition)


def test_a_good_file_is_read() -> None:
    found = parse_file(json.dumps(workflow(delay("1 hour"), send("a"))), Workflow)
    assert isinstance(found, Workflow)
    assert [step.id for step in found.steps] == ["wait-1-hour", "a"]


# --- text ---


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1, column 1: this is not JSON: Expecting value (the file is empty: write an "),
        ('{"a": 1,,}', "line 1, column 9: this is not JSON: Expecting property name enclosed in "
         "double quotes (a comma too many or too few?)"),
        ("// mine\n{}", "line 1, column 1: this is not JSON: Expecting value (JSON has no"),
        ("{\u201ca\u201d: 1}", "line 1, column 2: this is not JSON: Expecting property name "
         "enclosed in double quotes (write straight double quotes"),
        ('{\n"a" 1\n}', "line 2, column 5: this is not JSON: "),
        ("[]", "file: must be one JSON object in braces"),
        ("null", "file: must be one JSON object in braces"),
        ('{"a": NaN}', "file: NaN is not JSON"),
        ('{"steps": {"b": 1, "b": 2}}', 'file: has the field "b" twice in one object: keep one of'),
        ("[" * 900_000, "file: is nested too deeply to be read"),
        ('{"a":' * 180_000, "file: is nested too deeply to be read"),
        ('{"a": ' + "9" * 5000 + "}", "file: "),
        (" " * (MAX_FILE + 1), "file: is larger than 1 MB (split it)"),
        ('"' + "é" * (MAX_FILE // 2) + '"', "file: is larger than 1 MB (split it)"),
    ],
    ids=lambda value: value[:30],
)  # fmt: skip
def test_a_text_that_is_no_file_of_ours_has_one_problem(text: str, problem: str) -> None:
    (found,) = problems(text)
    assert found.startswith(problem)


def test_a_byte_order_mark_is_not_a_mistake() -> None:
    assert problems("\ufeff" + json.dumps(workflow(send("a")))) == []


def test_a_field_given_twice_is_found_in_no_time_also_in_a_large_file() -> None:
    text = "{" + ",".join(f'"k{number}": 1' for number in range(60_000)) + ', "k0": 2}'
    assert problems(text) == ['file: has the field "k0" twice in one object: keep one of them']


def nested(depth: int) -> str:
    condition: Json = {"contact": "a", "is": 1}
    for _ in range(depth):
        condition = {"not": condition}
    return json.dumps(workflow(send("a"), audience=condition))


@pytest.mark.parametrize("depth", [300, 900])
def test_conditions_nested_too_deeply_are_a_problem_and_not_a_crash(depth: int) -> None:
    assert problems(nested(depth)) != []


@pytest.mark.parametrize("depth", [100, 250])
def test_conditions_that_are_taken_can_be_answered(depth: int) -> None:
    program = compiled(nested(depth))
    assert program is not None
    facts = EvaluationContext(now=datetime(2026, 11, 22, tzinfo=UTC), contact={"a": 1})
    assert evaluate(program.options["audience"], facts).value


# --- places and remedies ---


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([{"type": "send_email", "template": "a"}], "steps[0].id: is missing (add id)"),
        ([{"id": "a", "template": "a"}], "steps[0].type: is missing (say what kind of step this "),
        (
            [{"id": "a", "type": "send_mail", "template": "a"}],
            "steps[0].type: 'send_mail' is not one of 'delay', 'delay_until', 'wait_for', "
            "'branch', 'split', 'holdout', 'send_email', 'send_sms', 'update_contact', "
            "'add_to_list', 'remove_from_list', 'set_stage', 'add_score', 'issue_coupon', "
            "'webhook', 'notify', "
            "'create_ticket', 'emit_event', 'start_workflow', 'exit', 'goto' "
            '(did you mean "send_email"?)',
        ),
        (["send"], "steps[0]: should be an object in braces"),
        ([send("A b")], "steps[0].id: 'A b' is not written as it must be (lower-case letters, "),
        ([send("a", "Plain")], "steps[0].template: 'Plain' is not written as it must be ("),
        (
            [send("a", subjct="x")],
            "steps[0].subjct: is not a field that is known here",
        ),
        (
            [send("a", topik="x")],
            'steps[0].topik: is not a field that is known here (did you mean "topic"?)',
        ),
        (
            [send("a", category="marketting")],
            "steps[0].category: 'marketting' is not one of 'marketing' or 'transactional' "
            '(did you mean "marketing"?)',
        ),
        ([delay("1 dya")], "steps[0].for: '1 dya' is not a duration: write it like '4 hours', "),
        ([delay("3651 days")], "steps[0].for: '3651 days' is longer than 3650 days"),
        (
            [wait_for("a", "E", "0 seconds")],
            "steps[0].timeout: '0 seconds' is no time at all",
        ),
        ([{"id": "a", "type": "delay"}], "steps[0]: needs at least one of for, until_time, on_"),
        ([delay("1 day", until_time="9:30")], "steps[0].until_time: '9:30' is not a time of day: "),
        ([delay("1 day", until_time="0930Z")], "steps[0].until_time: '0930Z' is not a time of day"),
        ([delay("1 day", until_time="24:00")], "steps[0].until_time: '24:00' is not a time of day"),
        ([delay("1 day", on_days=[])], "steps[0].on_days: "),
        ([delay("1 day", on_days=["Monday"])], "steps[0].on_days[0]: 'Monday' is not one of "),
        ([delay("1 day", timezone="Mars")], "steps[0].timezone: 'Mars' is not a time zone: write "),
        (
            [wait_for("a", "E", "1 day", [], [send("b"), send("c", temp="x")])],
            "steps[0].on_timeout[1].temp: is not a field",
        ),
        (
            [branch("a", {"event": "x", "gtt": 1}, [])],
            'steps[0].paths[0].if.gtt: is not a field that is known here (did you mean "gt"?)',
        ),
        (
            [branch("a", {"event": "x", "gt": 1}, [delay("x")], [branch("b", {}, [])])],
            "steps[0].paths[0].steps[0].for: 'x' is not a duration",
        ),
        (
            [branch("a", {"event": "x", "gt": 1}, [], [branch("b", {"x": 1}, [])])],
            "steps[0].else[0].paths[0].if: is not a condition: it needs one of all, any, not, ",
        ),
        ([{"id": "a", "type": "branch", "paths": []}], "steps[0].paths: "),
        ([leave("a", "")], "steps[0].reason: is empty"),
        ([leave("a", "x" * 101)], "steps[0].reason: is longer than 100 characters"),
        (
            [leave(f"a-{number}") for number in range(1001)],
            "steps: has 1,001, and may have 1,000 at most (split it in two, and have the first ",
        ),
    ],
)
def test_a_mistake_in_a_step_has_its_place_its_reason_and_its_remedy(
    steps: list[Json], expected: str
) -> None:
    assert any(problem.startswith(expected) for problem in of_step(*steps)), of_step(*steps)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ([], ["audience: is not a condition: it needs one of all, any, not, "]),
        ({}, ["audience: is not a condition: it needs one of all, any, not, "]),
        ({"contatc": "a", "is": 1}, ['event (did you mean "contact"?)']),
        ({"contact": "a"}, ["audience: needs exactly one operator (is, is_not, in, ", "has none"]),
        ({"contact": "a", "is": 1, "gt": 2}, ["audience: needs exactly one operator", "gt, is"]),
        ({"contact": "a", "is": None}, ["audience: needs exactly one operator", "has none"]),
        ({"contact": "a", "is": {}}, ["audience.is: should be a text, a number, true or false"]),
        ({"contact": "a", "in": [{}]}, ["audience.in[0]: should be a text, a number, true or "]),
        ({"contact": "a", "in": "FR"}, ["audience.in: should be a valid list"]),
        ({"contact": "a", "gt": "many"}, ["audience.gt: should be a valid number"]),
        ({"contact": "a", "gt": "nan"}, ["audience.gt: should be a finite number"]),
        ({"contact": "a", "gt": "inf"}, ["audience.gt: should be a finite number"]),
        ({"contact": "a", "between": [1]}, ["audience.between[1]: is missing"]),
        ({"contact": "a", "exists": "maybe"}, ["audience.exists: should be a valid boolean"]),
        ({"contact": "a", "within_last": "1"}, ["audience.within_last: '1' is not a duration"]),
        ({"contact": "a", "before": "banana"}, ["audience.before: 'banana' is no date"]),
        ({"contact": "a", "after": "2027-02-30"}, ["audience.after: '2027-02-30' is no date and"]),
        ({"contact": "a", "after": "2027-01-31T09:00"}, ["audience.after: '2027-01-31T09:0"]),
        ({"contact": "a", "between": [50, 20]}, ["audience.between: nothing is between these two"]),
        ({"contact": "a", "in": []}, ["audience.in: has 0, and needs at least 1"]),
        ({"contact": "a", "starts_with": ""}, ["audience.starts_with: is empty"]),
        ({"contact": "", "is": 1}, ["audience.contact: is empty"]),
        ({"event": {"event": 1}, "is": 1}, ["audience.event: should be a valid string"]),
        ({"all": []}, ["audience.all: "]),
        ({"all": [{"any": [{"not": {"x": 1}}]}]}, ["audience.all[0].any[0].not: is not a "]),
        ({"not": {"all": [{"event": "a"}]}}, ["audience.not.all[0]: needs exactly one operator"]),
        ({"did": "X", "within": "1 day", "since": "enrollment"}, ["audience: has both within "]),
        ({"did": "X", "since": "birth"}, ["audience.since: 'birth' is not one of 'enrollment'"]),
        ({"did": "X", "times": {}}, ["audience.times: needs at least one of is, gt, gte, lt, lte"]),
        ({"did": "X", "times": {"gte": None}}, ["audience.times: needs at least one of is, gt,"]),
        ({"did": "X", "times": {"gte": 1.5}}, ["audience.times.gte: "]),
        ({"did": "X", "where": {"event": "a", "gt": []}}, ["audience.where.gt: should be "]),
        ({"email": "a", "was": "red"}, ["audience.was: 'red' is not one of", "opened"]),
        ({"consents_to": "A"}, ["audience.consents_to: 'A' is not written as it must be"]),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_in_a_condition_has_its_place(condition: Any, expected: list[str]) -> None:
    found = of_condition(condition)
    for piece in expected:
        assert any(piece in problem for problem in found), found


def test_a_field_that_is_also_the_name_of_its_kind_is_found_all_the_same() -> None:
    found = problems(
        workflow(send("a")),
        trigger={"type": "event", "event": "E", "where": {"event": "event", "event_": 1, "is": 1}},
    )
    assert found[0].startswith("trigger.where.event_: is not a field that is known here")


def test_all_mistakes_come_at_once() -> None:
    found = problems(
        {
            "titel": "x",
            "status": "lve",
            "trigger": {"type": "event", "event": ""},
            "reentry": {"allow": "after"},
            "goal": {"event": "E", "within": "soon"},
            "steps": [delay("x"), send("a", "B"), {"type": "exit"}],
        }
    )
    starts = ["title", "status", "trigger.event", "reentry", "goal.within", "steps[0].for",
              "steps[1].template", "steps[2].id", "titel"]  # fmt: skip
    assert [problem.partition(":")[0] for problem in found] == starts


def test_a_mistake_is_told_once() -> None:
    found = of_condition({"contact": "a", "is": [1]})
    assert found == ["audience.is: should be a text, a number, true or false"]


def test_many_mistakes_are_told_in_reasonable_time() -> None:
    steps = [send(f"s{number}", temlpate="x") for number in range(1000)]
    assert len(of_step(*steps)) == 1000


def test_the_remedy_of_a_setting_is_its_own() -> None:
    changes = {"topics": {"Offers": "x"}, "currency": "euro", "default_locale": "english"}
    settings_file = builders.settings(**changes)
    found = parse_file(json.dumps(settings_file), SettingsFile)
    assert isinstance(found, list)
    assert [str(problem) for problem in found] == [
        "currency: 'euro' is not written as it must be (three capital letters, as in EUR)",
        "default_locale: 'english' is not written as it must be (a language tag, as in en, pt-BR "
        "or zh-Hant)",
        "topics.Offers: 'Offers' is not written as it must be (lower-case letters, digits and "
        "hyphens, starting with a letter or digit)",
    ]


# --- whatever comes ---


def compiled(text: str) -> Program | None:
    found = parse_file(text, Workflow)
    if isinstance(found, list):
        assert found
        for problem in found:
            assert problem.location
            assert problem.reason
        return None
    if [*check_flow(found), *check_conditions(found)]:
        return None
    program = build_program("name", 1, found)
    json.dumps(state_machine(program, MachineConfig("run", "await")), allow_nan=False)
    assert transitions(program) >= 1
    return program


@given(st.text() | documents.map(json.dumps))
def test_no_text_at_all_makes_reading_fail(text: str) -> None:
    assert compiled(text) is None
    assert isinstance(parse_file(text, SettingsFile), list)


def _spots(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = document.items() if isinstance(document, dict) else (
        enumerate(document) if isinstance(document, list) else ()
    )  # fmt: skip
    return [path, *(spot for key, value in inner for spot in _spots(value, (*path, key)))]


def _replaced(document: Any, spot: tuple[Any, ...], value: Any) -> Any:
    if not spot:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[spot[0]] = _replaced(copy[spot[0]], spot[1:], value)
    return copy


@settings(max_examples=how_many(150))
@given(workflows(), documents, st.data())
def test_a_good_file_with_one_piece_replaced_is_compiled_or_explained(
    document: Json, piece: Any, data: st.DataObject
) -> None:
    spot = data.draw(st.sampled_from(_spots(document)))
    program = compiled(json.dumps(_replaced(document, spot, piece)))
    if program is not None:
        json.dumps(program.to_json(), allow_nan=False)


@settings(max_examples=how_many(40))
@given(workflows())
def test_a_good_file_is_compiled(document: Json) -> None:
    assert compiled(json.dumps(document)) is not None


@settings(max_examples=how_many(60))
@given(workflows(), st.data())
def test_a_field_set_to_null_is_a_field_left_out_or_a_mistake(
    document: Json, data: st.DataObject
) -> None:
    """Editors write nulls; the running code must never meet one where a condition belongs."""
    spot = data.draw(st.sampled_from(_spots(document)))
    program = compiled(json.dumps(_replaced(document, spot, None)))
    if program is not None:
        assert "null" not in json.dumps({**program.to_json(), "title": ""})
