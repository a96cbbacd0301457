"""Every use of four new step types; see `toy_steps.py`."""

import json
from pathlib import Path

import pytest

from milepost.base.parse_file import parse_file
from milepost.enrollments.program import FLOWS
from milepost.runtime.steps import RUNNERS
from milepost.runtime.steps.step_events import STEP_EVENTS
from milepost.workflows.compiler.check_steps import check_flow
from milepost.workflows.explain.description import describe
from milepost.workflows.explain.difference import compare
from milepost.workflows.explain.mermaid import draw_flowchart
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import STEPS
from milepost_tools.reference.reference import reference
from milepost_tools.reference.schema import schema
from tests.journeys.visits import data_of, ended, goto, step, visit, visited, world_of
from tests.support.builders import Json, send, shop
from tests.support.commands import milepost, write
from tests.support.faults import Faults, Kill, Scope
from tests.support.reference import INTRODUCTION, documents
from tests.support.world import World

STEPS_OF_ALL_SORTS: list[Json] = [
    step("nap", "rest", minutes=30),
    step("praise", "nice", words={"from": "event.total"}),
    step("await_reply", "ask", reply="Replied", patience="2 hours", if_silent=[send("nudge")]),
    step("wave", "bye"),
    send("last"),
]
VISIT = visit(*STEPS_OF_ALL_SORTS)


def read(document: Json) -> Workflow:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return found


def run_visit(world: World, *, replies: bool) -> World:
    visited(world, {"total": 150})
    world.run_for(minutes=60)
    if replies:
        world.event("Replied", id_="r-1")
    world.run_for(days=1)
    return world


def results(world: World) -> tuple[object, ...]:
    events = [data_of(world, name) for name in ("Praised", "Waved")]
    mails = [mail.ref.id for mail in world.mails]
    totals = {name: total.count for name, total in world.profile().totals.items()}
    return events, mails, totals, ended(world)


@pytest.mark.parametrize("replies", [True, False])
def test_new_steps_are_published_compiled_and_run(replies: bool) -> None:
    world = run_visit(world_of(*STEPS_OF_ALL_SORTS), replies=replies)
    assert ended(world) == ("completed", "")
    assert world.steps_mailed() == (["last"] if replies else ["nudge", "last"])
    assert data_of(world, "Praised") == [{"words": 150}]
    assert [data["_emitted_by"]["step"] for data in data_of(world, "Waved")] == ["bye"]
    first = min(world.machines.versions.values(), key=lambda each: len(each["States"]))
    states = first["States"]
    assert states["rest"]["Type"] == "Wait"
    assert states["ask"]["Resource"].endswith("waitForTaskToken")
    assert states["ask"]["TimeoutSeconds"] == 7200


@pytest.mark.parametrize("replies", [True, False])
@pytest.mark.parametrize("scope", ["run_steps", "react", "await_event"])
def test_kill_at_any_call_does_not_change_result_of_new_steps(scope: Scope, replies: bool) -> None:
    published = world_of(*STEPS_OF_ALL_SORTS)
    undisturbed = run_visit(World(published=published), replies=replies)
    expected = results(undisturbed)
    kills = undisturbed.faults.kills(scope)
    for kill in [kill for kill, place in kills if place != "after ledger.claim"]:
        world = run_visit(World(published=published, faults=Faults(kill)), replies=replies)
        assert world.faults.struck
        assert results(world) == expected, world.faults.struck


def test_new_step_killed_after_saving_outcome_emits_one_event() -> None:
    published = world_of(*STEPS_OF_ALL_SORTS)
    calls = run_visit(World(published=published), replies=True).faults.calls
    appends = [n for scope, n, name in calls if (scope, name) == ("run_steps", "timeline.append")]
    assert len(appends) == 2
    for number in appends:
        for kill in (Kill("run_steps", number, "before"), Kill("run_steps", number, "after")):
            world = run_visit(World(published=published, faults=Faults(kill)), replies=True)
            totals = world.profile().totals
            assert (totals["Praised"].count, totals["Waved"].count) == (1, 1)


def test_long_wait_of_new_step_continues_in_next_execution() -> None:
    steps = [step("nap", "rest", minutes=60 * 24 * 40), send("last")]
    world = visited(world_of(*steps), days=39)
    assert world.steps_mailed() == []
    world.run_for(days=2)
    assert world.steps_mailed() == ["last"]
    assert world.enrollment().execution_no == 1


def test_loop_with_new_wait_step_needs_no_other_wait() -> None:
    assert check_flow(read(visit(step("nap", "n", minutes=5), goto("g", "n", max=2)))) == []
    (problem,) = check_flow(read(visit(step("wave", "w"), goto("g", "w", max=2))))
    assert "without waiting" in problem.reason


def test_condition_on_unknown_result_of_new_step_is_refused() -> None:
    asked = {"step": "nice", "output": "word", "is": "x"}
    branch = step("branch", "b", paths=[{"name": "p", "if": asked}])
    world = World()
    files = {**shop(), "workflows/visit.json": visit(*STEPS_OF_ALL_SORTS[:2], branch)}
    with pytest.raises(AssertionError, match='has no "word"'):
        world.publish(files)


def test_new_steps_are_explained_drawn_compared_and_priced() -> None:
    workflow = read(VISIT)
    words = describe(workflow)
    assert "1. Nap for 30 minutes. (`rest`)" in words
    assert "- if silent:\n" in words
    picture = draw_flowchart(workflow)
    assert '(["Nap 30<br/>rest"])' in picture
    assert '|"silent"|' in picture
    assert '((("Wave<br/>bye")))' in picture
    longer = visit({**STEPS_OF_ALL_SORTS[0], "minutes": 45}, *STEPS_OF_ALL_SORTS[1:])
    assert compare(workflow, read(longer)) == ["`rest`: its `minutes` was 30, is now 45."]
    world = World()
    reports = world.publish({**shop(), "workflows/visit.json": VISIT})
    (explanation,) = [r.explanation for r in reports if r.file == "workflows/visit.json"]
    assert explanation is not None
    assert "ask: replies" in explanation.prices
    assert "ask: silent" in explanation.prices
    assert explanation.paths == 2


def test_schema_and_reference_describe_new_types() -> None:
    assert "Nap" in schema(Workflow)["$defs"]
    examples = {
        **documents(),
        **{f"step-{n}": VISIT for n in ("nap", "await-reply", "praise", "wave")},
    }
    page = reference(INTRODUCTION.read_text("utf-8"), examples)
    assert "### Step `nap`\n\nWaits for some minutes." in page
    assert "| `minutes` | whole number, more than 0 | yes |" in page
    assert "| `if_silent` | list of [steps](#steps) | no |" in page


def test_new_steps_can_be_simulated(tmp_path: Path) -> None:
    steps = [STEPS_OF_ALL_SORTS[0], STEPS_OF_ALL_SORTS[1], send("last")]
    file = write(tmp_path, shop(visit=visit(*steps))) / "workflows" / "visit.json"
    answer = milepost("simulate", file, "--start", "2026-11-02T12:00:00Z", "--set", "total=150")
    assert answer.code == 0, answer.out
    assert answer.lines[2:5] == [
        "Mon 2026-11-02 12:00  rest: waits until Mon 2026-11-02 12:30",
        "Mon 2026-11-02 12:30  nice: words 150",
        'Mon 2026-11-02 12:30  last: mails "About plain" to shopper@mail.example',
    ]


def test_new_steps_are_in_every_step_table() -> None:
    names = {step.name for step in STEPS}
    assert names == FLOWS.keys()
    assert {"nap", "await_reply", "praise", "wave"} <= names
    assert "praise" in RUNNERS
    assert "wave" in STEP_EVENTS
