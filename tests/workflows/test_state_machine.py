import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from bench.transitions import longest_stay, transitions
from milepost.base.parse_file import parse_file
from milepost.enrollments.blocks import blocks
from milepost.enrollments.program import Program, is_wait
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.compiler.state_machine import NAME_LIMIT, MachineConfig, state_machine
from milepost.workflows.language.workflow import Workflow
from tests.support.builders import branch, delay, leave, send, wait_for, workflow
from tests.support.golden import GOLDEN, WIRING, abandoned_cart
from tests.support.laws import how_many
from tests.support.random_workflows import workflows
from tests.support.template import ROOT

Json = dict[str, Any]
ALWAYS = {"event": "x", "exists": True}


def compiled(document: Json) -> Program:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return build_program("cart", 1, found)


def states(*steps: Json) -> Json:
    made: Json = state_machine(compiled(workflow(*steps)), WIRING)["States"]
    return made


def targets(state: Json) -> list[str]:
    """Every possible next state."""
    found = [state[key] for key in ("Next", "Default") if key in state]
    return found + [each["Next"] for each in (*state.get("Choices", ()), *state.get("Catch", ()))]


# --- golden ---


def test_abandoned_cart_compiles_to_reviewed_definition() -> None:
    """`tests/support/golden.py` rewrites the file; review the difference."""
    assert abandoned_cart() == GOLDEN.read_text("utf-8")


# --- what the states are ---


def test_delay_is_a_wait_state_between_two_block_runs() -> None:
    made = states(delay("1 hour", "pause"), send("mail"))
    assert made["before pause"]["Parameters"]["Payload"]["block"] == "pause"
    assert made["before pause"]["Next"] == "pause"
    assert made["pause"] == {"Type": "Wait", "TimestampPath": "$.until", "Next": "run mail"}
    assert made["run mail"]["End"] is True


def test_wait_for_registers_task_token_and_catches_timeout() -> None:
    made = states(wait_for("click", "E", "1 day", [send("yes")], [send("no")]))
    wait = made["click"]
    assert wait["Resource"].endswith(".waitForTaskToken")
    assert wait["TimeoutSeconds"] == 86400
    assert wait["ResultPath"] is None
    assert wait["Parameters"]["Payload"] == {
        "enrollment.$": "$.enrollment",
        "execution_no.$": "$.execution_no",
        "block_seq.$": "$.block_seq",
        "since.$": "$.since",
        "step": "click",
        "token.$": "$$.Task.Token",
    }
    assert wait["Retry"][0] == {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}
    assert wait["Next"] == "run yes"
    assert [(catch["ErrorEquals"], catch["Next"]) for catch in wait["Catch"]] == [
        (["States.Timeout"], "run no"),
        (["States.ALL"], "abandon"),
    ]


def test_steps_without_wait_between_them_are_one_state() -> None:
    made = states(send("a"), branch("b", ALWAYS, [send("c")], [send("d")]), send("e"))
    assert sorted(made) == ["abandon", "run a + b + c + e + d"]


def test_block_with_several_stops_is_followed_by_a_choice() -> None:
    made = states(branch("b", ALWAYS, [delay("1 day", "one")], [delay("2 days", "two")]))
    choice = made["after b"]
    assert choice["Type"] == "Choice"
    assert choice["Choices"] == [
        {"Variable": "$.next", "StringEquals": "one", "Next": "one"},
        {"Variable": "$.next", "StringEquals": "two", "Next": "two"},
    ]
    assert "Default" not in choice
    made = states(branch("b", ALWAYS, [delay("1 day", "one")], [leave("x")]))
    assert made["after b + x"]["Default"] == "all done"
    assert made["all done"] == {"Type": "Succeed"}


def test_durations_use_the_time_scale_of_the_stack() -> None:
    wiring = MachineConfig("run", "await", lambda duration: int(duration / timedelta(hours=1)))
    definition = state_machine(compiled(workflow(wait_for("w", "E", "7 days"))), wiring)
    assert definition["States"]["w"]["TimeoutSeconds"] == 7 * 24


# --- rules for every state machine ---


def check(definition: Json) -> None:
    """The rules of Amazon States Language that Step Functions enforces, and our own."""
    all_states = definition["States"]
    assert definition["StartAt"] in all_states
    assert all(1 <= len(name) <= NAME_LIMIT for name in all_states)
    reached, pending = set(), [definition["StartAt"]]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += targets(all_states[name])
    assert reached == set(all_states), "Step Functions refuses states that nothing reaches"
    for name, state in all_states.items():
        assert set(targets(state)) <= set(all_states)
        if state["Type"] == "Choice":
            assert state["Choices"]
            assert "Next" not in state
        elif state["Type"] != "Succeed":
            assert ("Next" in state) != bool(state.get("End"))
        if state["Type"] == "Task":
            assert state["TimeoutSeconds"] >= 1
            assert state["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
            assert state["Retry"][-1]["JitterStrategy"] == "FULL"
            caught = [catch["ErrorEquals"] for catch in state.get("Catch", [])]
            assert caught[-1:] == ([] if name == "abandon" else [["States.ALL"]])


@settings(max_examples=how_many(40))
@given(workflows())
def test_every_definition_is_valid_for_step_functions(document: Json) -> None:
    check(state_machine(compiled(document), WIRING))


@settings(max_examples=how_many(40))
@given(workflows())
def test_same_file_makes_the_same_definition(document: Json) -> None:
    shuffled = json.loads(json.dumps(document, sort_keys=True))
    assert json.dumps(state_machine(compiled(shuffled), WIRING)) == json.dumps(
        state_machine(compiled(document), WIRING)
    )


@settings(max_examples=how_many(40))
@given(workflows())
def test_no_path_enters_more_states_than_computed(document: Json) -> None:
    program = compiled(document)
    all_states = state_machine(program, WIRING)["States"]
    longest: dict[str, int] = {}

    def entered(name: str) -> int:
        if name not in longest:
            state = all_states[name]
            following = [each for each in targets(state) if each != "abandon"]
            longest[name] = 1 + max(map(entered, following), default=0)
        return longest[name]

    assert transitions(program) == entered(state_machine(program, WIRING)["StartAt"])


def test_long_step_ids_make_unique_state_names() -> None:
    long = ["x" * 38 + f"{number:02d}" for number in range(30)]
    paths = [
        branch(id_, ALWAYS, [delay("1 day", f"{id_[:-2]}w{id_[-1]}"[:40])]) for id_ in long[:9]
    ]
    definition = state_machine(compiled(workflow(*paths, *(send(id_) for id_ in long[9:]))), WIRING)
    check(definition)
    assert max(map(len, definition["States"])) > 70


def test_thousand_steps_compile_in_a_second_below_1_mb() -> None:
    steps = [delay("1 hour", f"wait-{n}") if n % 2 else send(f"mail-{n}") for n in range(1000)]
    took = []
    for _ in range(5):  # another process on the same core can take half of the time
        began = time.process_time()
        definition = state_machine(compiled(workflow(*steps)), WIRING)
        took.append(time.process_time() - began)
        if took[-1] < 1:
            break
    assert min(took) < 1
    assert len(json.dumps(definition)) < 1_000_000
    check(definition)
    assert len(definition["States"]) == len(steps) + len(["before end", "abandon"])


ROWS = {
    "waits for an event": lambda n: wait_for(f"wait-{n}", "E", "1 day", [send(f"mail-{n}")]),
    "branches that wait": lambda n: branch(
        f"branch-{n}", {"event": "total", "gt": n}, [delay("1 day", f"wait-{n}"), send(f"mail-{n}")]
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_thousand_steps_of_any_type_stay_below_1_mb(row: str) -> None:
    each = 3 if row == "branches that wait" else 2
    steps = [ROWS[row](n) for n in range(1000 // each)]
    for resume in (False, True):
        definition = state_machine(compiled(workflow(*steps)), WIRING, resume)
        assert len(json.dumps(definition, separators=(",", ":"))) < 1_000_000
        check(definition)


@pytest.mark.parametrize(
    ("steps", "days"),
    [
        ([send("a")], 0),
        ([delay("2 days", "a"), delay("36 hours", "b")], 3.5),
        ([delay("2 days", "a", until_time="09:00")], 9),
        ([{"id": "a", "type": "delay", "on_days": ["monday"]}], 7),
        ([wait_for("a", "E", "3 days", [delay("1 day", "b")], [delay("2 days", "c")])], 5),
        (
            [
                branch("a", ALWAYS, [delay("1 day", "b")], [delay("2 days", "c")]),
                delay("1 day", "d"),
            ],
            3,
        ),
        ([branch("a", ALWAYS, [delay("9 days", "b"), leave("x")], []), delay("1 day", "d")], 9),
    ],
)
def test_longest_enrollment_duration_is_computed(steps: list[Json], days: float) -> None:
    assert longest_stay(compiled(workflow(*steps))) == timedelta(days=days)


@pytest.mark.parametrize("wrap", ["branch", "wait"])
def test_steps_nested_ten_deep_compile(wrap: str) -> None:
    inner: list[Json] = [send("core")]
    for depth in range(10):
        if wrap == "branch":
            inner = [branch(f"b{depth}", ALWAYS, inner, [delay("1 day", f"d{depth}")])]
        else:
            inner = [wait_for(f"w{depth}", "E", "1 day", inner, [send(f"s{depth}")])]
    program = compiled(workflow(*inner, send("last")))
    check(state_machine(program, WIRING))
    assert transitions(program) == (4 if wrap == "branch" else 21)


SHIPPED = sorted((ROOT / "workflows").glob("*.json"))


@pytest.mark.parametrize("path", [p for p in SHIPPED if p.stem != "settings"], ids=lambda p: p.stem)
def test_shipped_workflow_pays_two_states_per_wait_and_one_per_branch(
    path: Path,
) -> None:
    workflow = parse_file(path.read_text("utf-8"), Workflow)
    assert isinstance(workflow, Workflow)
    program = build_program(path.stem, 1, workflow)
    states: Json = state_machine(program, WIRING)["States"]
    del states["abandon"]
    for name, node in program.nodes.items():
        if is_wait(node):  # the wait is one state, and the block after it is the other
            after = states[name]["Next"]
            assert states[after]["Resource"].endswith(":lambda:invoke")
    choices = [name for name, state in states.items() if state["Type"] == "Choice"]
    several = [block for block in blocks(program).values() if len(block.exits) > 1]
    assert len(choices) == len(several), "one more state where a block may stop in several places"
    resting = [name for name, node in program.nodes.items() if is_wait(node)]
    done = [name for name in states if name == "all done"]
    assert len(states) == len(resting) + len(blocks(program)) + len(choices) + len(done)
