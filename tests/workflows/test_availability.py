"""What this version cannot do is refused by name, with what to do instead."""

import json

import pytest

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.workflows.compiler.check_steps import (
    FIELDS,
    KINDS,
    UnavailableFeature,
    check_available,
)
from milepost.workflows.language.workflow import Workflow
from tests.support.builders import Json, branch, delay, send, wait_for, workflow

LATER = "is not available in this version"


def found(document: Json) -> list[Problem]:
    read = parse_file(json.dumps(document), Workflow)
    assert isinstance(read, Workflow), read
    return [*check_available(read)]


def places(document: Json) -> list[tuple[str, str]]:
    problems = found(document)
    assert all(problem.remedy for problem in problems)
    return [(problem.location, problem.reason) for problem in problems]


def asking(condition: Json) -> Json:
    return workflow(branch("b", condition, [send("a")]))


TRIGGERS: list[Json] = [
    {"type": "catalog", "on": "price_drop", "audience": ["viewed"]},
]
STEPS: list[Json] = [
    {"id": "a", "type": "send_sms", "template": "plain"},
    {"id": "a", "type": "issue_coupon", "pool": "cart-10"},
    {"id": "a", "type": "create_ticket", "profile": "desk", "title": "Help"},
]
WINNER = {"metric": "goal", "after": "14 days"}
SPLIT: Json = {"id": "s", "type": "split", "paths": [{"name": "one"}, {"name": "two"}]}
OPENED: Json = {"email": "a", "was": "opened"}


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: str(trigger["type"]))
def test_a_trigger_that_is_not_there_yet_is_named(trigger: Json) -> None:
    reason = f'the trigger "{trigger["type"]}" {LATER}'
    assert places(workflow(send("a"), trigger=trigger)) == [("trigger", reason)]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step["type"]))
def test_a_step_that_is_not_there_yet_is_named_wherever_it_stands(step: Json) -> None:
    document = workflow(delay("1 day"), wait_for("w", "E", "1 day", [], [step]))
    reason = f'the step "{step["type"]}" {LATER}'
    assert places(document) == [("steps[1].on_timeout[0]", reason)]


def test_a_segment_can_be_asked_about_wherever_the_condition_stands() -> None:
    vip = {"in_segment": "vip"}
    document = workflow(
        branch("b", {"all": [{"did": "E"}, {"not": vip}]}, [send("a")]), audience=vip
    )
    assert places(document) == []


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (workflow(SPLIT | {"winner": WINNER}), "steps[0].winner"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_field_that_is_not_there_yet_is_named(document: Json, place: str) -> None:
    assert places(document) == [(place, f"{place.rpartition('.')[2]} {LATER}")]


def test_what_is_left_out_or_says_no_is_no_mistake() -> None:
    for document in (
        workflow(SPLIT, send("a")),
        workflow(send("a", on_cap="skip", attachments=None)),
        asking(OPENED),
        asking(OPENED | {"include_bots": True}),
        workflow(send("a"), trigger={"type": "manual"}, audience={"in_list": "readers"}),
    ):
        assert found(document) == []


def test_everything_comes_at_once() -> None:
    document = workflow(
        SPLIT | {"winner": WINNER},
        *STEPS[:1],
        trigger=TRIGGERS[0],
    )
    assert [place for place, _ in places(document)] == [
        "trigger",
        "steps[0].winner",
        "steps[1]",
    ]


@pytest.mark.parametrize("missing", FIELDS, ids=lambda missing: str(missing.field))
def test_the_fields_named_are_fields_of_the_language(missing: UnavailableFeature) -> None:
    assert missing.field in missing.model.model_fields


def test_a_remedy_is_short_and_ends_without_a_full_stop() -> None:
    for remedy in [*KINDS.values(), *(missing.remedy for missing in FIELDS)]:
        assert len(remedy) <= 90
        assert not remedy.endswith(".")
