import json
from typing import Any

import pytest
from hypothesis import given, settings

from milepost.base.parse_file import parse_file
from milepost.enrollments.blocks import blocks
from milepost.enrollments.program import END, Program, is_wait, successors, waits_for
from milepost.workflows.compiler.check_steps import build_program, check_flow
from milepost.workflows.language.workflow import Workflow, walk
from tests.support.builders import branch, delay, leave, send, wait_for, workflow
from tests.support.laws import how_many
from tests.support.random_workflows import workflows

Json = dict[str, Any]
ALWAYS = {"event": "x", "exists": True}


def read(document: Json) -> Workflow:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return found


def program(*steps: Json, **head: Any) -> Program:
    return build_program("cart", 1, read(workflow(*steps, **head)))


def found(*steps: Json) -> list[str]:
    return [str(problem) for problem in check_flow(read(workflow(*steps)))]


# --- the graph ---


def test_step_leads_to_step_below_and_last_to_the_end() -> None:
    made = program(delay("1 hour", "a"), send("b"))
    assert made.entry == "a"
    assert made.nodes["a"]["next"] == "b"
    assert made.nodes["b"]["next"] == END


def test_branches_join_at_step_below() -> None:
    made = program(branch("a", ALWAYS, [send("b")], [delay("1 day", "c")]), send("d"))
    assert made.nodes["a"]["paths"] == [{"name": "yes", "if": ALWAYS, "next": "b"}]
    assert made.nodes["a"]["else"] == "c"
    assert [made.nodes[name]["next"] for name in "bcd"] == ["d", "d", END]


def test_empty_path_leads_to_step_below() -> None:
    made = program(branch("a", ALWAYS, []), wait_for("b", "E", "1 day"), send("c"))
    assert (made.nodes["a"]["paths"][0]["next"], made.nodes["a"]["else"]) == ("b", "b")
    assert (made.nodes["b"]["on_event"], made.nodes["b"]["on_timeout"]) == ("c", "c")


def test_nodes_are_in_reading_order() -> None:
    inner = branch("b", ALWAYS, [send("c")], [send("d")])
    made = program(send("a"), wait_for("w", "E", "1 day", [inner], [send("e")]), send("f"))
    assert list(made.nodes) == ["a", "w", "b", "c", "d", "e", "f"]


def test_notes_are_not_compiled() -> None:
    made = program(send("a", note="ask Ada"), branch("b", ALWAYS, [send("c", note="x")]))
    assert "note" not in json.dumps(made.to_json())


def test_head_keeps_written_values_and_needed_defaults() -> None:
    made = program(send("a"), topic=None)
    assert made.options == {
        "title": "A workflow",
        "status": "live",
        "category": "marketing",
        "trigger": {"type": "event", "event": "Checkout Started"},
        "reentry": {"allow": "never"},
    }


def test_goal_keeps_its_conditions_and_window() -> None:
    goal = {"event": "Order Completed", "where": {"event": "total", "gte": 20}}
    assert program(send("a"), goal=goal).options["goal"] == goal | {"within": "30 days"}
    assert (
        program(send("a"), goal=goal | {"within": "5 days"}).options["goal"]["within"] == "5 days"
    )


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ({}, {"allow": "never"}),
        ({"allow": "always"}, {"allow": "always"}),
        ({"allow": "always", "after": None}, {"allow": "always"}),
        ({"allow": "after", "after": "1 day"}, {"allow": "after", "after": "1 day"}),
    ],
)
def test_reentry_rule_is_always_explicit(written: Json, kept: Json) -> None:
    assert program(send("a"), reentry=written).options["reentry"] == kept


def test_program_survives_json_round_trip() -> None:
    made = program(branch("a", ALWAYS, [send("b")]), wait_for("c", "E", "1 day"))
    assert Program.from_json(json.loads(json.dumps(made.to_json()))) == made


# --- mistakes of the tree ---


def test_duplicate_step_id_is_reported_at_any_depth() -> None:
    assert found(send("a"), branch("b", ALWAYS, [send("a")], [send("b")])) == [
        'steps[1].paths[0].steps[0].id: "a" is already the id of steps[0] (every step needs an id '
        "of its own)",
        'steps[1].else[0].id: "b" is already the id of steps[1] (every step needs an id of its '
        "own)",
    ]


def test_end_is_reserved_as_step_id() -> None:
    assert found(send("end")) == ['steps[0].id: "end" is reserved (choose another id)']


def test_duplicate_path_name_is_reported() -> None:
    document = branch("a", ALWAYS, [])
    document["paths"] *= 2
    assert found(document) == [
        'steps[0].paths[1].name: "yes" is already the name of a path above (the outcome is '
        "recorded by name, so every path needs its own)"
    ]


def test_step_below_exit_is_unreachable() -> None:
    deep = wait_for("w", "E", "1 day", [leave("x"), send("y")])
    assert found(branch("b", ALWAYS, [], [deep]), leave("z"), send("late")) == [
        'steps[2]: nothing reaches this step: "z" above it leaves the workflow (move it above the '
        "exit, or delete it)",
        'steps[0].else[0].on_event[1]: nothing reaches this step: "x" above it leaves the workflow '
        "(move it above the exit, or delete it)",
    ]


def test_step_below_branches_that_all_exit_is_unreachable() -> None:
    both = branch("b", ALWAYS, [leave("x")], [send("s"), leave("y")])
    assert found(wait_for("w", "E", "1 day", [both], [leave("z")]), send("late")) == [
        'steps[1]: nothing reaches this step: "w" above it leaves the workflow, whichever way it '
        "goes (move it above the exit, or delete it)"
    ]


@pytest.mark.parametrize(
    "step",
    [
        branch("b", ALWAYS, [leave("x")]),
        branch("b", ALWAYS, [], [leave("x")]),
        wait_for("b", "E", "1 day", [leave("x")]),
        wait_for("b", "E", "1 day", [leave("x")], [send("y")]),
    ],
)
def test_step_reached_by_one_branch_is_reachable(step: Json) -> None:
    assert found(step, send("late")) == []


def test_walk_yields_every_step_with_its_location() -> None:
    steps = [wait_for("w", "E", "1 day", [branch("b", ALWAYS, [send("x")], [send("y")])])]
    places = {step.id: place for place, step in walk(read(workflow(*steps)).steps)}
    assert places == {
        "w": "steps[0]",
        "b": "steps[0].on_event[0]",
        "x": "steps[0].on_event[0].paths[0].steps[0]",
        "y": "steps[0].on_event[0].else[0]",
    }


# --- whatever is written ---


@settings(max_examples=how_many(40))
@given(workflows())
def test_every_node_is_reachable_and_leads_to_later_nodes(document: Json) -> None:
    made = build_program("cart", 1, read(document))
    order = {name: number for number, name in enumerate((*made.nodes, END))}
    reached = {made.entry}
    for name, node in made.nodes.items():
        for following in successors(node):
            assert order[following] > order[name]
            reached.add(following)
    assert set(made.nodes) <= reached


@settings(max_examples=how_many(40))
@given(workflows())
def test_blocks_cover_all_steps_and_stop_at_waits_or_end(
    document: Json,
) -> None:
    made = build_program("cart", 1, read(document))
    covered: set[str] = set()
    for entry, block in blocks(made).items():
        assert block.entry == entry
        assert block.exits
        covered |= set(block.steps)
        assert not any(is_wait(made.nodes[name]) for name in block.steps)
        assert all(name == END or is_wait(made.nodes[name]) for name in block.exits)
    assert covered == {name for name, node in made.nodes.items() if not is_wait(node)}


def test_program_lists_waits_for_an_event() -> None:
    made = program(wait_for("a", "E", "1 day"), wait_for("b", "F", "1 day"), send("c"))
    assert [node["id"] for node in waits_for(made, "F")] == ["b"]
    assert list(waits_for(made, "G")) == []
