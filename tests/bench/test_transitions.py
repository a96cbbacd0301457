"""The maximum cost and duration of an enrollment, loops included."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings

from bench.transitions import longest_stay, transitions
from milepost.base.parse_file import parse_file
from milepost.enrollments.program import Program
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.language.workflow import Workflow
from tests.journeys.visits import goto, step
from tests.support.builders import Json, branch, delay, send, wait_for, workflow
from tests.support.laws import how_many
from tests.support.random_workflows import workflows

BIG = {"event": "total", "gte": 100}


def program(*steps: Json) -> Program:
    return compiled(workflow(*steps))


def compiled(document: Json) -> Program:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return build_program("cart", 1, found)


LOOP = [delay("1 day", "wait"), send("nudge")]


@pytest.mark.parametrize(
    ("steps", "billed", "rounds"),
    [
        (LOOP, 3, 0),
        ([*LOOP, goto("again", "wait", max=1)], 1 + 2 * 3 + 1, 1),
        ([*LOOP, goto("again", "wait", max=3)], 1 + 4 * 3 + 1, 3),
        ([step("holdout", "h", percent=5), *LOOP], 4, 0),
        ([step("webhook", "w", url="https://a.example"), *LOOP], 3, 0),
        ([step("webhook", "w", url="https://a.example", on_failure="exit"), *LOOP], 4, 0),
        ([step("add_score", "s", points=1), step("notify", "n", message="x")], 1, 0),
    ],
)
def test_every_loop_round_is_counted_and_at_most_one_extra(
    steps: list[Json], billed: int, rounds: int
) -> None:
    assert billed <= transitions(program(*steps)) <= billed + rounds


def test_steps_after_a_loop_are_counted() -> None:
    tail = [delay("1 day", "w2"), send("bye")]
    assert transitions(program(*LOOP, goto("again", "wait", max=3), *tail)) >= 1 + 4 * 3 + 2


@pytest.mark.parametrize("most", [1, 10, 999])
def test_cost_of_loop_grows_with_its_rounds(most: int) -> None:
    once, many = (program(*LOOP, goto("again", "wait", max=n)) for n in (1, most + 1))
    assert most * 3 <= transitions(many) - transitions(once) <= most * 4


@pytest.mark.parametrize(
    ("steps", "days"),
    [
        (LOOP, 1),
        ([*LOOP, goto("again", "wait", max=3)], 4),
        ([wait_for("w", "E", "2 days", [], [delay("3 days")])], 5),
        ([branch("b", BIG, [delay("2 days")], [delay("3 days")])], 3),
        (
            [
                delay("1 day", "a"),
                delay("1 day", "b"),
                goto("in", "b", max=2),
                goto("out", "a", max=3),
            ],
            2 + 2 * 1 + 3 * 2,
        ),
        ([delay("1 day", until_time="09:00")], 8),
    ],
)
def test_longest_stay_counts_every_loop_round(steps: list[Json], days: int) -> None:
    assert longest_stay(program(*steps)) == timedelta(days=days)


@settings(max_examples=how_many(60))
@given(workflows(everything=True))
def test_every_workflow_has_a_maximum_cost_and_duration(document: Json) -> None:
    made = compiled(document)
    assert transitions(made) >= 1
    assert longest_stay(made) >= timedelta()
