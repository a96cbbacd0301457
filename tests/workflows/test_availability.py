"""Unavailable features are rejected by name, with a remedy."""

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


def reported(document: Json) -> list[tuple[str, str]]:
    problems = found(document)
    assert all(problem.remedy for problem in problems)
    return [(problem.location, problem.reason) for problem in problems]


def with_condition(condition: Json) -> Json:
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
def test_unavailable_trigger_is_reported(trigger: Json) -> None:
    reason = f'the trigger "{trigger["type"]}" {LATER}'
    assert reported(workflow(send("a"), trigger=trigger)) == [("trigger", reason)]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step["type"]))
def test_unavailable_step_is_reported_at_any_depth(step: Json) -> None:
    document = workflow(delay("1 day"), wait_for("w", "E", "1 day", [], [step]))
    reason = f'the step "{step["type"]}" {LATER}'
    assert reported(document) == [("steps[1].on_timeout[0]", reason)]


def test_segment_condition_is_allowed_in_every_condition() -> None:
    vip = {"in_segment": "vip"}
    document = workflow(
        branch("b", {"all": [{"did": "E"}, {"not": vip}]}, [send("a")]), audience=vip
    )
    assert reported(document) == []


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (workflow(SPLIT | {"winner": WINNER}), "steps[0].winner"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_unavailable_field_is_reported(document: Json, place: str) -> None:
    assert reported(document) == [(place, f"{place.rpartition('.')[2]} {LATER}")]


def test_omitted_or_false_field_is_no_problem() -> None:
    for document in (
        workflow(SPLIT, send("a")),
        workflow(send("a", on_cap="skip", attachments=None)),
        with_condition(OPENED),
        with_condition(OPENED | {"include_bots": True}),
        workflow(send("a"), trigger={"type": "manual"}, audience={"in_list": "readers"}),
    ):
        assert found(document) == []


def test_all_unavailable_features_are_reported_together() -> None:
    document = workflow(
        SPLIT | {"winner": WINNER},
        *STEPS[:1],
        trigger=TRIGGERS[0],
    )
    assert [place for place, _ in reported(document)] == [
        "trigger",
        "steps[0].winner",
        "steps[1]",
    ]


@pytest.mark.parametrize("missing", FIELDS, ids=lambda missing: str(missing.field))
def test_unavailable_fields_exist_in_the_language(missing: UnavailableFeature) -> None:
    assert missing.field in missing.model.model_fields


def test_remedy_is_short_and_has_no_full_stop() -> None:
    for remedy in [*KINDS.values(), *(missing.remedy for missing in FIELDS)]:
        assert len(remedy) <= 90
        assert not remedy.endswith(".")
