"""Errors in the flow of a workflow: endless loops, loops without waits, unknown targets."""

import json

import pytest

from bench.transitions import longest_stay, transitions
from milepost.base.parse_file import parse_file
from milepost.enrollments.program import END, Program, successors
from milepost.workflows.compiler.check_steps import build_program, check_flow, loops
from milepost.workflows.compiler.state_machine import MachineConfig, state_machine
from milepost.workflows.language.workflow import Workflow
from tests.journeys.visits import goto, split, step
from tests.support.builders import Json, branch, delay, leave, send, wait_for, workflow

ALWAYS = {"event": "x", "exists": True}
REST = delay("1 day", "rest")
FOR_EVER = 'say how often at most, as in "max": 3'
NO_REST = (
    'put a wait_for inside the loop, or a delay with "for": a date may be past, and a time of day '
    "or a weekday may be now"
)


def read(*steps: Json) -> Workflow:
    found = parse_file(json.dumps(workflow(*steps)), Workflow)
    assert isinstance(found, Workflow), found
    return found


def found(*steps: Json) -> list[str]:
    return [str(problem) for problem in check_flow(read(*steps))]


def program(*steps: Json) -> Program:
    assert found(*steps) == []
    return build_program("cart", 1, read(*steps))


def repeating(*steps: Json) -> set[str]:
    return {name for name, node in program(*steps).nodes.items() if node.get("repeats")}


# --- loops ---


def test_loop_without_end_is_reported() -> None:
    assert found(REST, send("a"), goto("g", "rest")) == [
        f'steps[2]: goes back to "rest" for ever ({FOR_EVER})'
    ]


def test_loop_without_wait_is_reported() -> None:
    assert found(send("a"), goto("g", "a", max=3), REST) == [
        f'steps[1]: may go round from "a" without waiting anywhere ({NO_REST})'
    ]


@pytest.mark.parametrize("most", [{}, {"max": 3}])
def test_goto_to_itself_is_a_loop_without_wait(most: Json) -> None:
    assert f'steps[1]: may go round from "g" without waiting anywhere ({NO_REST})' in found(
        REST, goto("g", "g", **most)
    )


@pytest.mark.parametrize(
    "rest",
    [
        {"id": "r", "type": "delay", "until_time": "09:00"},
        {"id": "r", "type": "delay", "on_days": ["monday"]},
        {"id": "r", "type": "delay_until", "date": "2020-01-01"},
    ],
)
def test_wait_that_may_end_at_once_does_not_count(rest: Json) -> None:
    assert found(rest, send("a"), goto("g", "r", max=3)) == [
        f'steps[2]: may go round from "r" without waiting anywhere ({NO_REST})'
    ]
    longer = {"id": "r", "type": "delay", "for": "1 hour", "until_time": "09:00"}
    assert found(longer, send("a"), goto("g", "r", max=3)) == []


def test_wait_on_one_of_two_loop_paths_does_not_count() -> None:
    either = branch("b", ALWAYS, [REST], [send("c")])
    assert found(send("a"), either, goto("g", "a", max=3)) == [
        f'steps[2]: may go round from "a" without waiting anywhere ({NO_REST})'
    ]
    both = branch("b", ALWAYS, [REST], [delay("2 days", "other")])
    assert found(send("a"), both, goto("g", "a", max=3)) == []


@pytest.mark.parametrize(
    "rest",
    [REST, wait_for("rest", "E", "1 day"), step("delay", "rest", **{"for": "1 day"})],
)
def test_every_wait_type_counts_in_a_loop(rest: Json) -> None:
    assert found(send("a"), rest, goto("g", "a", max=3)) == []
    assert found(rest, goto("g", "rest", max=3)) == []


def test_two_gotos_to_each_other_are_a_loop() -> None:
    steps = [branch("b", ALWAYS, [goto("g", "c")]), leave("x"), send("c"), REST, goto("h", "b")]
    assert found(*steps) == [
        f'steps[0].paths[0].steps[0]: goes back to "c" for ever ({FOR_EVER})',
        f'steps[4]: goes back to "b" for ever ({FOR_EVER})',
    ]


def test_forward_goto_is_no_loop() -> None:
    steps = [branch("b", ALWAYS, [goto("g", "c")]), send("a"), send("c")]
    assert repeating(*steps) == set()


def test_backward_goto_to_other_path_is_no_loop() -> None:
    steps = [branch("b", ALWAYS, [send("a"), leave("x")], [send("c"), goto("g", "a")])]
    assert repeating(*steps) == set()


def test_only_steps_inside_the_loop_repeat() -> None:
    steps = [
        send("before"),
        send("a"),
        branch("b", ALWAYS, [leave("x")], [send("c")]),
        REST,
        goto("g", "a", max=3),
        send("after"),
    ]
    assert repeating(*steps) == {"a", "b", "c", "rest", "g"}


def test_nested_and_crossing_loops_compile() -> None:
    steps = [
        send("a"),
        REST,
        send("b"),
        goto("in", "rest", max=2),
        delay("1 hour", "d"),
        goto("out", "a", max=3),
        send("c"),
    ]
    assert repeating(*steps) == {"a", "rest", "b", "in", "d", "out"}
    crossing = [
        delay("1 hour", "a"),
        delay("1 hour", "b"),
        goto("g", "a", max=1),
        delay("1 hour", "c"),
        goto("h", "b", max=1),
        send("z"),
    ]
    assert repeating(*crossing) == {"a", "b", "g", "c", "h"}


def test_goto_out_of_a_loop_needs_no_max() -> None:
    way_out = branch("enough", ALWAYS, [goto("out", "last")])
    steps = [REST, way_out, goto("again", "rest", max=9), send("last")]
    assert repeating(*steps) == {"rest", "enough", "again"}


@pytest.mark.parametrize(
    "ways",
    [
        {"a": ["b"], "b": ["c"], "c": ["a"], "d": []},
        {"a": ["a"], "b": ["a"], "c": [], "d": ["c"]},
        {"a": ["b", "c"], "b": ["a"], "c": ["d"], "d": ["c"]},
        {"a": ["b", "c", "d"], "b": ["d"], "c": ["d"], "d": []},
    ],
)
def test_nodes_on_a_cycle_are_in_one_component(ways: dict[str, list[str]]) -> None:
    paths = {
        name: {"type": "split", "paths": [{"name": way, "next": way} for way in [*to, END]]}
        for name, to in ways.items()
    }

    def leads(one: str, other: str, seen: frozenset[str] = frozenset()) -> bool:
        return any(
            way == other or (way not in seen and leads(way, other, seen | {way}))
            for way in ways[one]
        )

    rounds = loops(paths)
    assert set(rounds) == {name for name in ways if leads(name, name)}
    for one in rounds:
        for other in rounds:
            together = one == other or (leads(one, other) and leads(other, one))
            assert (rounds[one] == rounds[other]) == together


# --- jumps to nowhere, and what nothing reaches ---


def test_goto_to_unknown_step_suggests_nearest_id() -> None:
    assert found(send("reminder"), goto("g", "remindr")) == [
        'steps[1].to: no step "remindr" (did you mean "reminder"?)'
    ]
    assert found(send("a"), goto("g", "end")) == ['steps[1].to: no step "end"']


def test_step_below_endless_goto_is_unreachable() -> None:
    steps = [branch("b", ALWAYS, [goto("g", "d"), send("c")]), send("d")]
    assert found(*steps) == [
        'steps[0].paths[0].steps[1]: nothing reaches this step: "g" above it goes elsewhere (move '
        "it above the goto, or delete it)"
    ]
    assert found(goto("g", "b"), send("a"), send("b")) == [
        'steps[1]: nothing reaches this step: "g" above it goes elsewhere (move it above the goto, '
        "or delete it)"
    ]


def test_step_below_limited_loop_is_reachable() -> None:
    assert found(REST, goto("g", "rest", max=1), send("a")) == []


def test_target_of_another_goto_is_reachable() -> None:
    assert found(branch("b", ALWAYS, [goto("g", "c")]), leave("x"), send("c")) == []


def test_path_with_zero_weight_is_still_reachable() -> None:
    paths = [{"name": "all"}, {"name": "off", "weight": 0, "steps": [send("a")]}]
    assert found(step("split", "s", paths=paths), send("b")) == []


def test_holdout_continues_at_next_step() -> None:
    assert successors(program(step("holdout", "h", percent=5), send("a")).nodes["h"]) == ("a", END)


def test_path_names_are_unique_in_each_split() -> None:
    twice = split("s", a=1, b=1)
    twice["paths"][1]["name"] = "a"
    assert found(twice)[0].startswith('steps[0].paths[1].name: "a" is already the name')


# --- large files ---


def large(number: int) -> list[Json]:
    """Steps of all types, with loops one after the other."""
    return [
        part
        for n in range(number // 10)
        for part in (
            send(f"mail-{n}"),
            delay("1 day", f"rest-{n}"),
            step("add_score", f"score-{n}", points=1),
            branch(
                f"b-{n}",
                {"email": f"mail-{n}", "was": "opened"},
                [send(f"yes-{n}")],
                [wait_for(f"wait-{n}", "E", "2 days", [send(f"in-{n}")])],
            ),
            step("update_contact", f"set-{n}", set={"round": n}),
            goto(f"again-{n}", f"mail-{n}", max=2),
            split(f"s-{n}", a=1, b=1),
        )
    ]


def test_thousand_steps_make_a_valid_state_machine() -> None:
    made = program(*large(1000))
    assert len(made.nodes) == 1000
    definition = json.dumps(state_machine(made, MachineConfig("run", "await")))
    assert len(definition) < 1024 * 1024
    assert transitions(made) > 1000
    assert longest_stay(made).days > 300


def test_check_time_grows_linearly_with_gotos() -> None:
    """One search for each goto would take minutes, and the function has one minute."""
    steps = [
        part
        for n in range(500)
        for part in (delay("1 day", f"d-{n}"), goto(f"g-{n}", "d-0", max=1))
    ]
    assert len(repeating(*steps)) == 1000


def test_branches_nested_ten_deep_compile() -> None:
    steps: list[Json] = [send("deepest")]
    for n in range(10):
        steps = [branch(f"b-{n}", ALWAYS, [*steps, send(f"yes-{n}")], [delay("1 day", f"no-{n}")])]
    made = program(*steps, send("last"))
    assert len(made.nodes) == 32
    assert transitions(made) >= 3
