"""Every way through a workflow, with what the machine bills for it: as the machine really bills."""

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


def walked(*steps: Json, total: float = 150, reply: bool = False) -> tuple[tuple[str, ...], int]:
    """What was mailed to Ada, who went through these steps, and what was billed for it."""
    world = World()
    world.publish(shop(visit=workflow(*steps, on="Visited", category="transactional")))
    world.event("Visited", {"total": total})
    world.run_for(minutes=1)
    if reply:
        world.event("Replied")
    world.run_for(days=200)
    assert world.enrollment().status in {"completed", "exited"}
    legs = world.step_functions.executions.values()
    return tuple(world.steps_mailed()), sum(leg.billed for leg in legs)


def chosen(*steps: Json) -> list[tuple[str, ...]]:
    return [way.choices for way in found(*steps).shown]


# --- the ways ---


def test_a_straight_workflow_has_one_way_without_choices() -> None:
    assert found(delay("1 day"), send("a"), send("b")) == Scenarios(
        1, (Scenario((), ("a", "b"), 3),)
    )


def test_every_choice_is_named_and_every_way_has_its_mails() -> None:
    told = found(ANSWER, branch("big", BIG, [send("offer")]), send("last")).shown
    assert [(way.choices, way.mails) for way in told] == [
        (("answer: Replied", "big: yes"), ("thanks", "offer", "last")),
        (("answer: Replied", "big: otherwise"), ("thanks", "last")),
        (("answer: timeout", "big: yes"), ("nudge", "offer", "last")),
        (("answer: timeout", "big: otherwise"), ("nudge", "last")),
    ]


def test_choices_that_lead_to_the_same_are_one_way_and_no_choice() -> None:
    assert chosen(wait_for("w", "Replied", "1 day"), branch("b", BIG, []), send("a")) == [()]


def test_choices_of_which_some_lead_to_the_same_are_named_together() -> None:
    paths = [{"name": name, "if": BIG, "steps": [send(name)] * (name == "b")} for name in "abc"]
    three = {"id": "which", "type": "branch", "paths": paths}
    assert chosen(three, send("last")) == [("which: a or c or otherwise",), ("which: b",)]


def test_a_path_that_nobody_takes_is_no_way() -> None:
    assert chosen(split(1, 0, 1)) == [("dice: p0",), ("dice: p2",)]


def test_a_control_group_a_failing_call_and_a_missing_date_are_ways() -> None:
    call = {"id": "crm", "type": "webhook", "url": "https://a.example", "on_failure": "exit"}
    until = {"id": "day", "type": "delay_until", "date": "contact.x", "if_missing": "exit"}
    assert chosen(holdout(10), call, until, send("a")) == [
        ("control: goes on", "crm: done", "day: on its day"),
        ("control: goes on", "crm: done", "day: no such date"),
        ("control: goes on", "crm: fails"),
        ("control: kept back",),
    ]


# --- as the machine bills ---


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
def test_the_ways_are_those_the_machine_goes_and_bills(steps: list[Json]) -> None:
    walks = {
        walked(*steps, total=total, reply=reply) for total in (1, 150) for reply in (True, False)
    }
    assert {(way.mails, way.transitions) for way in found(*steps).shown} == walks


def test_the_way_of_a_split_costs_what_the_machine_bills() -> None:
    ending = delay("7 days"), send("last")
    for number, weights in enumerate([(1, 0), (0, 1)]):
        way = found(split(1, 1), *ending).shown[number]
        assert walked(split(*weights), *ending) == (way.mails, way.transitions)


@pytest.mark.parametrize(("percent", "place"), [(99.999999, 1), (0.000001, 0)])
def test_a_control_group_costs_what_the_machine_bills(percent: float, place: int) -> None:
    steps = holdout(percent), delay("1 day"), send("a")
    way = found(*steps).shown[place]
    assert walked(*steps) == (way.mails, way.transitions)


@pytest.mark.parametrize("before", [[send("a")], [send("a"), branch("x", BIG, [], [leave("l")])]])
def test_a_missing_date_costs_what_the_machine_bills(before: list[Json]) -> None:
    until = {"id": "day", "type": "delay_until", "date": "event.day", "if_missing": "exit"}
    steps = *before, until, send("b"), wait_for("w", "Replied", "1 day"), delay("2 days")
    missing = found(*steps).shown[1]
    assert missing.choices[-1] == "day: no such date"
    assert walked(*steps) == (missing.mails, missing.transitions)


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_a_loop_counts_once_and_says_what_each_round_adds(rounds: int) -> None:
    steps = (
        send("first"), delay("1 day", "w"), send("again"), goto("back", "w", rounds),
        delay("2 days"), send("last"),
    )  # fmt: skip
    (way,) = found(*steps).shown
    (loop,) = way.loops
    assert (way.mails, loop.step, loop.to) == (("first", "again", "last"), "back", "w")
    assert (loop.rounds, loop.mails) == (rounds, ("again",))
    assert loop.transitions is not None
    mails, billed = walked(*steps)
    assert billed == way.transitions + rounds * loop.transitions
    assert mails == ("first", "again", *("again",) * rounds, "last")


def test_of_a_loop_with_choices_the_dearest_round_is_told() -> None:
    steps = (
        wait_for("w", "Replied", "1 day", [leave("won")], [send("a")]),
        branch("b", BIG, [delay("1 day"), send("more")]), goto("back", "w", 3), send("last"),
    )  # fmt: skip
    told = found(*steps).shown
    assert [way.mails for way in told] == [(), ("a", "more", "last"), ("a", "last")]
    assert [len(way.loops) for way in told] == [0, 1, 1]
    (loop,) = told[1].loops
    assert loop == told[2].loops[0]
    assert loop.mails == ("a", "more")
    assert loop.transitions is not None
    mails, billed = walked(*steps)
    assert mails == ("a", "more") * 4 + ("last",)
    assert billed == told[1].transitions + 3 * loop.transitions


def test_a_jump_ahead_is_taken() -> None:
    steps = branch("b", BIG, [goto("skip", "last")]), delay("1 day"), send("a"), send("last")
    assert {(way.mails, way.transitions) for way in found(*steps).shown} == {
        walked(*steps, total=1),
        walked(*steps, total=150),
    }
    loops = [way.loops for way in found(*steps).shown]
    assert loops == [(), ()]


def test_a_round_that_needs_another_loop_is_told_without_a_price() -> None:
    first = [send("t"), delay("1 day", "w"), goto("two", "a", 2), leave("l")]
    steps = send("a"), delay("1 day"), branch("b", BIG, first, [goto("one", "t", 2), send("x")])
    told = found(*steps)
    assert told.shown[1].loops == (Loop("one", "t", 2, None, ()),)
    assert "`one` goes back to `t` 2 times at most; above, its steps count one time.\n" in table(
        told
    )


def parking_ways(*steps: Json) -> set[tuple[tuple[str, ...], int]]:
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
def test_a_wait_that_ends_the_execution_costs_what_the_machines_bill(steps: list[Json]) -> None:
    walks = {
        walked(*steps, total=total, reply=reply) for total in (1, 150) for reply in (True, False)
    }
    assert parking_ways(*steps) == walks


@given(document=workflows(), history=histories(), number=st.integers(0, 3))
@settings(
    max_examples=how_many(120), deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
def test_whatever_a_contact_does_is_one_of_the_ways(
    document: Json, history: list[Happened], number: int
) -> None:
    document.pop("exit_on", None)  # that may end any way anywhere
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


# --- many ways ---


@given(workflows())
@settings(max_examples=how_many(150), deadline=None)
def test_the_ways_are_counted_and_the_best_found_without_telling_them(document: Json) -> None:
    program = build_program("any", 1, Workflow.model_validate(document))
    every = scenarios(program, most=5_000)
    few = scenarios(program, most=0)
    assert every.number == few.number
    if every.number <= 5_000:
        assert len(every.shown) == len(set(every.shown)) == every.number
        costs = [price(way) for way in every.shown]
        assert [price(way) for way in few.shown] == [min(costs), max(costs)]


def test_of_many_ways_the_cheapest_and_the_dearest_are_told() -> None:
    steps = [branch(f"b{n}", BIG, [send(f"m{n}")]) for n in range(400)]
    many = found(*steps)
    assert many.number == 2**400
    assert [len(way.mails) for way in many.shown] == [0, 400]
    assert table(many).startswith(f"There are {2**400:,} ways")


def test_as_many_ways_as_fit_are_all_told() -> None:
    steps = [branch(f"b{n}", BIG, [send(f"m{n}")]) for n in range(6)]
    assert len(found(*steps).shown) == found(*steps).number == MAX_SCENARIOS_SHOWN
    assert len(found(*steps, branch("c", BIG, [send("m")])).shown) == 2


def test_which_way_is_the_dearest_depends_on_the_prices() -> None:
    program = compiled(
        branch("b", BIG, [send("m")], [delay("1 day", "w1"), delay("1 day", "w2")])
    )  # fmt: skip
    mailing = Prices(transition=Decimal(0), mail=Decimal(1))
    assert [way.mails for way in scenarios(program, mailing, most=1).shown] == [(), ("m",)]
    waiting = Prices(transition=Decimal(1), mail=Decimal(0))
    assert [way.mails for way in scenarios(program, waiting, most=1).shown] == [("m",), ()]


def test_a_thousand_steps_that_wait_and_join_are_counted_in_seconds() -> None:
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


def test_a_price_is_for_a_thousand_contacts() -> None:
    way = Scenario((), ("a", "b", "c"), 7)
    assert price(way) == Decimal("0.475")
    assert price(way, Prices(Decimal("0.00004"), Decimal(0))) == Decimal("0.28")


def test_the_table_tells_each_way_and_each_loop() -> None:
    steps = (
        wait_for("w-x", "A|b", "1 day", [leave("l")], [send("m")]),
        goto("back", "w-x", 3),
    )  # fmt: skip
    assert table(found(*steps)) == (
        "| way | mails | transitions | US$ per 1,000 contacts |\n"
        "|---|---|---:|---:|\n"
        "| w-x: A\\|b | none | 3 | 0.075 |\n"
        "| w-x: timeout | `m` | 5 | 0.225 |\n"
        "\n"
        "`back` goes back to `w-x` 3 times at most; above, its steps count one time. Each round "
        "more adds at most 3 transitions and 1 mail: 0.175 per 1,000 contacts.\n"
    )


def test_a_way_without_choices_goes_straight_through() -> None:
    assert "| straight through | `a` | 1 | 0.125 |\n" in table(found(send("a")))
