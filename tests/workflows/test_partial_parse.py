import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.workflows.compiler.partial_parse import PartialWorkflow, parse_partially
from milepost.workflows.language.workflow import Workflow, walk
from tests.support.builders import branch, delay, send, workflow
from tests.support.random_workflows import workflows

Json = dict[str, Any]


def rest(*steps: Any, **head: Any) -> PartialWorkflow:
    document = workflow(*steps, **head)
    assert isinstance(parse_file(json.dumps(document), Workflow), list), "it has no mistake"
    left = parse_partially(json.dumps(document))
    assert left is not None
    return left


def test_a_broken_step_says_nothing_and_the_others_stay() -> None:
    left = rest(send("a"), {"id": "b", "type": "dealy"}, delay("1 day", "c"))
    assert [(step.id, step.type) for _, step in walk(left.workflow.steps)] == [
        ("a", "send_email"), ("b", "set_stage"), ("c", "delay"),
    ]  # fmt: skip
    assert left.replaced == ("steps[1]",)


def test_a_broken_mail_stays_a_mail_for_conditions_ask_about_it() -> None:
    left = rest(send("a", "Not a name"), send("b"))
    assert [step.type for _, step in walk(left.workflow.steps)] == ["send_email"] * 2


def test_a_broken_condition_leaves_the_steps_below_it() -> None:
    left = rest(branch("b", {"contact": "x"}, [send("a")], [delay("1 dya", "d")]))
    assert {*left.replaced} == {"steps[0].paths[0].if", "steps[0].else[0]"}
    assert [step.id for _, step in walk(left.workflow.steps)] == ["b", "a", "d"]


def test_a_head_without_its_fields_gets_some() -> None:
    document = {"titel": "x", "trigger": {"type": "evnt"}, "steps": "none"}
    left = parse_partially(json.dumps(document))
    assert left is not None
    assert {*left.replaced} == {"title", "titel", "trigger", "steps"}


def test_nothing_is_said_of_what_was_replaced() -> None:
    left = rest(send("a"), {"id": "b", "type": "dealy"})
    problems = [Problem("steps[0].template", "gone"), Problem("steps[1].id", "of the stand-in")]
    assert [p.location for p in left.about_the_rest(problems)] == ["steps[0].template"]


def test_what_is_no_file_of_a_workflow_cannot_be_kept() -> None:
    assert parse_partially("{") is None
    assert parse_partially("[]") is None
    assert parse_partially("[" * 100_000) is None


@given(workflows(), st.data())
def test_no_damage_gives_a_traceback(document: Json, data: Any) -> None:
    anything: st.SearchStrategy[Any] = st.one_of(
        st.none(), st.integers(), st.text(max_size=3), st.just({}), st.just([])
    )

    def damage(part: Any) -> None:
        keys: list[Any] = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(part[key], dict | list) and part[key] and data.draw(st.booleans()):
            damage(part[key])
        else:
            part[key] = data.draw(anything)

    damage(document)
    left = parse_partially(json.dumps(document))
    assert left is None or isinstance(left.workflow, Workflow)
