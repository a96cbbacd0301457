"""Every path through a workflow, with a price that matches the simulated state machine."""

import json
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.transitions import transitions
from milepost.base.parse_file import parse_file
from milepost.enrollments.program import Program
from milepost.workflows.compiler.check_steps import build_program, check_flow
from milepost.workflows.compiler.scenarios import (
    MAX_SCENARIOS_SHOWN,
    Loop,
    Prices,
    Scenario,
    Scenarios,
    scenarios,
)
from milepost.workflows.compiler.state_machine import with_suspend_limit
from milepost.workflows.explain.explanation import price, table
from milepost.workflows.language.workflow import Workflow
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    Json,
    branch,
    delay,
    leave,
    send,
    shop,
    wait_for,
    workflow,
)
from tests.support.golden import WIRING
from tests.support.laws import how_many
from tests.support.random_workflows import histories, workflows
from tests.support.tree import Happened
from tests.support.world import World

BIG = {"event": "total", "gte": 100}
ANSWER = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("nudge")])
EARLY = MONDAY_NOON - timedelta(days=1)


def goto(id_: str, to: str, most: int | None = None) -> Json:
    return {"id": id_, "type": "goto", "to": to, **({"max": most} if most else {})}


def holdout(percent: float) -> Json:
    return {"id": "control", "type": "holdout", "percent": percent}


def split(*weights: int) -> Json:
    paths = [
        {"name": f"p{n}", "weight": weight, "steps": [delay(f"{n + 1} days"), send(f"m{n}")]}
        for n, weight in enumerate(weights)
    ]
    return {"id": "dice", "type": "split", "paths": paths}


def compiled(*steps: Json) -> Program:
    found = parse_file(json.dumps(workflow(*steps)), Workflow)
    assert isinstance(found, Workflow), found
    assert check_flow(found) == []
    return build_program("visit", 1, found)


def found(*steps: Json) -> Scenarios:
    return scenarios(compiled(*steps))


def simulated(*steps: Json, total: float = 150, reply: bool = False) -> tuple[tuple[str, ...], int]:
    """The e-mails that Ada got in a simulation of these steps, and the billed transitions."""
    world = World()
    world.publish(shop(visit=workflow(*steps, on="Visited", category="transactional")))
    world.event("Visited", {"total": total})
    world.run_for(minutes=1)
    if reply:
        world.event("Replied")
    world.run_for(days=200)
    assert world.enrollment().status in {"completed", "exited"}
    executions = world.step_functions.executions.values()
    return tuple(world.steps_mailed()), sum(execution.billed for execution in executions)


def listed_choices(*steps: Json) -> list[tuple[str, ...]]:
    return [way.choices for way in found(*steps).shown]


# --- paths ---


def test_straight_workflow_has_one_path_without_choices() -> None:
    assert found(delay("1 day"), send("a"), send("b")) == Scenarios(
        1, (Scenario((), ("a", "b"), 3),)
    )


def test_every_path_lists_its_choices_and_emails() -> None:
    told = found(ANSWER, branch("big", BIG, [send("offer")]), send("last")).shown
    assert [(way.choices, way.mails) for way in told] == [
        (("answer: Replied", "big: yes"), ("thanks", "offer", "last")),
        (("answer: Replied", "big: otherwise"), ("thanks", "last")),
        (("answer: timeout", "big: yes"), ("nudge", "offer", "last")),
        (("answer: timeout", "big: otherwise"), ("nudge", "last")),
    ]


def test_choices_with_same_result_are_one_path() -> None:
    assert listed_choices(wait_for("w", "Replied", "1 day"), branch("b", BIG, []), send("a")) == [
        ()
    ]


def test_choices_with_same_result_share_a_name() -> None:
    paths = [{"name": name, "if": BIG, "steps": [send(name)] * (name == "b")} for name in "abc"]
    three = {"id": "which", "type": "branch", "paths": paths}
    assert listed_choices(three, send("last")) == [("which: a or c or otherwise",), ("which: b",)]


def test_path_with_zero_weight_is_left_out() -> None:
    assert listed_choices(split(1, 0, 1)) == [("dice: p0",), ("dice: p2",)]


def test_holdout_failed_call_and_missing_date_are_paths() -> None:
    call = {"id": "crm", "type": "webhook", "url": "https://a.example", "on_failure": "exit"}
    until = {"id": "day", "type": "delay_until", "date": "contact.x", "if_missing": "exit"}
    assert listed_choices(holdout(10), call, until, send("a")) == [
        ("control: goes on", "crm: done", "day: on its day"),
        ("control: goes on", "crm: done", "day: no such date"),
        ("control: goes on", "crm: fails"),
        ("control: kept back",),
    ]


# --- prices match the state machine ---


@pytest.mark.parametrize(
    "steps",
    [
        [send("a")],
        [send("a"), delay("1 day")],
        [delay("1 day"), send("a"), delay("2 days"), send("b")],
        [branch("b", BIG, [delay("1 day"), send("a")]), send("c")],
        [branch("b", BIG, [delay("1 day"), send("a")], [delay("2 days")]), send("c")],
        [send("a"), ANSWER, branch("b", BIG, [leave("l")], [delay("1 day")]), send("c")],
        [wait_for("w", "Replied", "1 day", [leave("l")], [delay("1 day")])],
        [wait_for("w", "Replied", "1 day")],
    ],
)
def test_paths_match_states_billed_by_state_machine(steps: list[Json]) -> None:
    walks = {
        simulated(*steps, total=total, reply=reply) for total in (1, 150) for reply in (True, False)
    }
    assert {(way.mails, way.transitions) for way in found(*steps).shown} == walks


def test_split_path_price_matches_state_machine() -> None:
    ending = delay("7 days"), send("last")
    for number, weights in enumerate([(1, 0), (0, 1)]):
        way = found(split(1, 1), *ending).shown[number]
        assert simulated(split(*weights), *ending) == (way.mails, way.transitions)


@pytest.mark.parametrize(("percent", "place"), [(99.999999, 1), (0.000001, 0)])
def test_holdout_price_matches_state_machine(percent: float, place: int) -> None:
    steps = holdout(percent), delay("1 day"), send("a")
    way = found(*steps).shown[place]
    assert simulated(*steps) == (way.mails, way.transitions)


@pytest.mark.parametrize("before", [[send("a")], [send("a"), branch("x", BIG, [], [leave("l")])]])
def test_missing_date_price_matches_state_machine(before: list[Json]) -> None:
    until = {"id": "day", "type": "delay_until", "date": "event.day", "if_missing": "exit"}
    steps = *before, until, send("b"), wait_for("w", "Replied", "1 day"), delay("2 days")
    missing = found(*steps).shown[1]
    assert missing.choices[-1] == "day: no such date"
    assert simulated(*steps) == (missing.mails, missing.transitions)


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_loop_counts_once_and_lists_price_per_round(rounds: int) -> None:
    steps = (
        send("first"),
        delay("1 day", "w"),
        send("again"),
        goto("back", "w", rounds),
        delay("2 days"),
        send("last"),
    )
    (way,) = found(*steps).shown
    (loop,) = way.loops
    assert (way.mails, loop.step, loop.to) == (("first", "again", "last"), "back", "w")
    assert (loop.rounds, loop.mails) == (rounds, ("again",))
    assert loop.transitions is not None
    mails, billed = simulated(*steps)
    assert billed == way.transitions + rounds * loop.transitions
    assert mails == ("first", "again", *("again",) * rounds, "last")


def test_loop_with_choices_lists_most_expensive_round() -> None:
    steps = (
        wait_for("w", "Replied", "1 day", [leave("won")], [send("a")]),
        branch("b", BIG, [delay("1 day"), send("more")]),
        goto("back", "w", 3),
        send("last"),
    )
    told = found(*steps).shown
    assert [way.mails for way in told] == [(), ("a", "more", "last"), ("a", "last")]
    assert [len(way.loops) for way in told] == [0, 1, 1]
    (loop,) = told[1].loops
    assert loop == told[2].loops[0]
    assert loop.mails == ("a", "more")
    assert loop.transitions is not None
    mails, billed = simulated(*steps)
    assert mails == ("a", "more") * 4 + ("last",)
    assert billed == told[1].transitions + 3 * loop.transitions


def test_forward_jump_is_followed() -> None:
    steps = branch("b", BIG, [goto("skip", "last")]), delay("1 day"), send("a"), send("last")
    assert {(way.mails, way.transitions) for way in found(*steps).shown} == {
        simulated(*steps, total=1),
        simulated(*steps, total=150),
    }
    loops = [way.loops for way in found(*steps).shown]
    assert loops == [(), ()]


def test_round_that_needs_another_loop_has_no_price() -> None:
    first = [send("t"), delay("1 day", "w"), goto("two", "a", 2), leave("l")]
    steps = send("a"), delay("1 day"), branch("b", BIG, first, [goto("one", "t", 2), send("x")])
    told = found(*steps)
    assert told.shown[1].loops == (Loop("one", "t", 2, None, ()),)
    assert "`one` goes back to `t` 2 times at most; above, its steps count one time.\n" in table(
        told
    )


def paths_when_suspended(*steps: Json) -> set[tuple[tuple[str, ...], int]]:
    program = with_suspend_limit(compiled(*steps), WIRING)
    return {(way.mails, way.transitions) for way in scenarios(program).shown}


@pytest.mark.parametrize(
    "steps",
    [
        [delay("40 days"), send("a")],
        [branch("b", BIG, [delay("40 days"), send("a")], [delay("1 day")]), send("c")],
        [wait_for("w", "Replied", "40 days", [leave("l")], [send("a"), delay("50 days")])],
        [branch("b", BIG, [delay("40 days")], [delay("50 days")]), delay("2 days"), send("c")],
    ],
)
def test_suspended_wait_price_matches_state_machines(steps: list[Json]) -> None:
    walks = {
        simulated(*steps, total=total, reply=reply) for total in (1, 150) for reply in (True, False)
    }
    assert paths_when_suspended(*steps) == walks


@given(document=workflows(), history=histories(), number=st.integers(0, 3))
@settings(
    max_examples=how_many(120),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_simulated_contact_follows_a_listed_path(
    document: Json, history: list[Happened], number: int
) -> None:
    document.pop("exit_on", None)  # an exit rule can end a path at any step
    world = World(start=EARLY)
    world.publish(shop(any=document))
    trigger = Happened("Visited", MONDAY_NOON, {"n": number})
    for happened in sorted([trigger, *history], key=lambda each: each.at):
        world.run_until(happened.at)
        world.event(happened.name, happened.data)
    world.run_for(days=100)
    billed = world.execution(world.enrollment()).billed
    mailed = tuple(world.steps_mailed(ADA))
    told = scenarios(world.program("any"), most=5_000).shown
    if len(told) > 2:
        assert (mailed, billed) in {(way.mails, way.transitions) for way in told}
    assert max(way.transitions for way in told) <= transitions(world.program("any"))


# --- many paths ---


@given(workflows())
@settings(max_examples=how_many(150), deadline=None)
def test_paths_are_counted_and_ranked_without_listing(document: Json) -> None:
    program = build_program("any", 1, Workflow.model_validate(document))
    every = scenarios(program, most=5_000)
    few = scenarios(program, most=0)
    assert every.number == few.number
    if every.number <= 5_000:
        assert len(every.shown) == len(set(every.shown)) == every.number
        costs = [price(way) for way in every.shown]
        assert [price(way) for way in few.shown] == [min(costs), max(costs)]


def test_many_paths_list_only_cheapest_and_dearest() -> None:
    steps = [branch(f"b{n}", BIG, [send(f"m{n}")]) for n in range(400)]
    many = found(*steps)
    assert many.number == 2**400
    assert [len(way.mails) for way in many.shown] == [0, 400]
    assert table(many).startswith(f"There are {2**400:,} ways")


def test_paths_up_to_the_limit_are_all_listed() -> None:
    steps = [branch(f"b{n}", BIG, [send(f"m{n}")]) for n in range(6)]
    assert len(found(*steps).shown) == found(*steps).number == MAX_SCENARIOS_SHOWN
    assert len(found(*steps, branch("c", BIG, [send("m")])).shown) == 2


def test_dearest_path_depends_on_prices() -> None:
    program = compiled(branch("b", BIG, [send("m")], [delay("1 day", "w1"), delay("1 day", "w2")]))
    mailing = Prices(transition=Decimal(0), mail=Decimal(1))
    assert [way.mails for way in scenarios(program, mailing, most=1).shown] == [(), ("m",)]
    waiting = Prices(transition=Decimal(1), mail=Decimal(0))
    assert [way.mails for way in scenarios(program, waiting, most=1).shown] == [("m",), ()]


def test_thousand_joining_waits_are_counted_in_seconds() -> None:
    steps: list[Json] = []
    for n in range(80):
        inner = [wait_for(f"w{n}", "E", "1 day", [send(f"a{n}")], [send(f"b{n}")])]
        steps += [branch(f"c{n}", BIG, inner, [delay("1 day", f"d{n}"), send(f"e{n}")])]
    steps += [branch(f"x{n}", BIG, [send(f"y{n}")], [send(f"z{n}")]) for n in range(170)]
    program = compiled(*steps)
    began = time.process_time()
    assert scenarios(program).number == 3**80 * 2**170
    assert time.process_time() - began < 10


# --- prices ---


def test_price_is_for_a_thousand_contacts() -> None:
    way = Scenario((), ("a", "b", "c"), 7)
    assert price(way) == Decimal("0.475")
    assert price(way, Prices(Decimal("0.00004"), Decimal(0))) == Decimal("0.28")


def test_table_lists_each_path_and_each_loop() -> None:
    steps = (
        wait_for("w-x", "A|b", "1 day", [leave("l")], [send("m")]),
        goto("back", "w-x", 3),
    )
    assert table(found(*steps)) == (
        "| way | mails | transitions | US$ per 1,000 contacts |\n"
        "|---|---|---:|---:|\n"
        "| w-x: A\\|b | none | 3 | 0.075 |\n"
        "| w-x: timeout | `m` | 5 | 0.225 |\n"
        "\n"
        "`back` goes back to `w-x` 3 times at most; above, its steps count one time. Each round "
        "more adds at most 3 transitions and 1 mail: 0.175 per 1,000 contacts.\n"
    )


def test_path_without_choices_is_called_straight_through() -> None:
    assert "| straight through | `a` | 1 | 0.125 |\n" in table(found(send("a")))
