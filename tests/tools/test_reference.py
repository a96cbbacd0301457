"""The reference uses the models' own descriptions and shows the relevant part of each example."""

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.base.file_model import FileModel
from milepost.conditions.leaf_files import ContactCondition, Did, SumOf
from milepost.conditions.operators import OPERATORS
from milepost.workflows.compiler.check_steps import KINDS
from milepost.workflows.language.workflow import OnPublishPolicy, Workflow
from milepost.workflows.steps import AnyStep
from milepost.workflows.steps.delay import Delay
from milepost.workflows.steps.goto import Goto
from milepost.workflows.steps.holdout import Holdout
from milepost.workflows.steps.split import Split
from milepost.workflows.steps.update_contact import UpdateContact
from milepost_tools.reference.field_types import fields, nested_models
from milepost_tools.reference.reference import pretty, reference
from milepost_tools.reference.vocabulary import (
    CONDITIONS,
    STEPS,
    TRIGGERS,
    Json,
    Kind,
    examples_needed,
    examples_of,
)
from tests.support.builders import branch, delay, send, workflow
from tests.support.reference import documents

WORDS = [*TRIGGERS, *STEPS, *CONDITIONS]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def kind_of(model: type[FileModel], field: str) -> str:
    return next(each.kind for each in fields(model) if each.name == field)


@pytest.mark.parametrize(
    ("model", "field", "words"),
    [
        (Workflow, "status", "`live`, `paused` or `draft`"),
        (Workflow, "steps", "list of [steps](#steps)"),
        (Workflow, "audience", "[condition](#conditions)"),
        (Workflow, "goal", "object, see below"),
        (Workflow, "exit_on", "list of objects, see below"),
        (OnPublishPolicy, "renamed_steps", "object: id of a step → id of a step"),
        (Delay, "for", "duration"),
        (Goto, "max", "whole number, 1 to 1000"),
        (Holdout, "percent", "number, more than 0 and less than 100"),
        (ContactCondition, "is", "text, number, `true` or `false`"),
        (ContactCondition, "in", "list of texts, numbers, `true` or `false`"),
        (ContactCondition, "between", "two numbers"),
        (UpdateContact, "unset", "list of names of properties"),
    ],
)
def test_field_type_is_described_in_words(model: type[FileModel], field: str, words: str) -> None:
    assert kind_of(model, field) == words


def test_required_fields_come_first_in_order() -> None:
    told = [(each.name, each.required) for each in fields(SumOf)]
    assert told[:3] == [("sum_of", True), ("of", True), ("within", False)]


def test_default_is_shown_as_in_the_file() -> None:
    defaults = {each.name: each.default for each in fields(Workflow)}
    assert defaults["status"] == "`live`"
    assert defaults["reentry"] == '`{"allow": "never"}`'
    assert defaults["topic"] == defaults["title"] == defaults["exit_on"] == ""


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: str(kind.example))
def test_every_word_and_field_has_a_description(kind: Kind) -> None:
    assert len(kind.model.__doc__ or "") > 15
    assert [each.name for each in fields(kind.model) if len(each.meaning) < 10] == []


def test_nested_models_are_found() -> None:
    assert [name for name, _ in nested_models(Split)] == ["paths", "winner"]
    assert [name for name, _ in nested_models(Did)] == ["times"]
    assert [name for name, _ in nested_models(Workflow)] == [
        "reentry",
        "active_enrollments",
        "exit_on",
        "goal",
    ]


def test_missing_example_is_an_error() -> None:
    needed = examples_needed()
    assert len(TRIGGERS) + len(STEPS) + len(CONDITIONS) + len(OPERATORS) < len(needed)
    assert {kind.example for kind in WORDS} < set(needed)
    assert {"operator-within-last", "part-goal", "part-variants", "step-goto"} < set(needed)
    assert len(STEPS) == len(get_args(get_args(AnyStep)[0]))


DOCUMENT = workflow(
    delay("1 day", "d"),
    branch("b", {"all": [{"event": "total", "gte": 5}, {"did": "E", "times": {"lt": 2}}]}, []),
    goal={"event": "E"},
)


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        ("trigger-event", {"trigger": {"type": "event", "event": "Checkout Started"}}),
        ("step-delay", {"id": "d", "type": "delay", "for": "1 day"}),
        ("condition-event", {"event": "total", "gte": 5}),
        ("condition-did", {"did": "E", "times": {"lt": 2}}),
        ("operator-gte", {"event": "total", "gte": 5}),
        ("part-goal", {"goal": {"event": "E"}}),
    ],
)
def test_only_relevant_part_of_example_is_shown(example: str, shown: Json) -> None:
    assert examples_of(example, DOCUMENT) == shown


@pytest.mark.parametrize(
    "example", ["trigger-list", "step-exit", "condition-email", "operator-lt", "part-variants"]
)
def test_example_without_its_subject_is_an_error(example: str) -> None:
    with pytest.raises(LookupError, match=example):
        examples_of(example, DOCUMENT)


def test_reference_page_needs_all_examples() -> None:
    examples = documents()
    del examples["step-goto"]
    with pytest.raises(LookupError, match="step-goto"):
        reference("# Words", examples)


def test_unavailable_features_are_marked_in_reference() -> None:
    page = reference("# Words", documents())
    for kind in WORDS:
        section = page.partition(f"\n### {kind.sort.capitalize()} `{kind.name}`\n")[2]
        own = section.partition("\n### ")[0].partition("\n|")[0]
        assert ("Not available in this version" in own) is (kind.model in KINDS), kind.name


@settings(deadline=None)  # a busy computer is no failure
@given(JSON)
def test_pretty_json_parses_to_same_value(value: object) -> None:
    assert json.loads(pretty(value)) == value


def test_pretty_json_keeps_short_values_on_one_line() -> None:
    assert pretty(send("a")) == '{"id": "a", "type": "send_email", "template": "plain"}'
    long = pretty([send("a" * 40), send("b" * 40)])
    assert len(long.split("\n")) == 4
    assert all(len(line) <= 96 for line in pretty(DOCUMENT).split("\n"))
