"""The simulator gives the same result as a stack, for any workflow and any customer.

Both run the compiled state machine. The simulator has no faults, no batches and no scheduler, and
returns a trace.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from milepost.base import times
from milepost.base.parse_file import parse_file
from milepost.enrollments.program import Program
from milepost.published.head import Published
from milepost.simulator.file import CaseInput, WorkflowTests
from milepost.simulator.functions import WIRING
from milepost.simulator.interpreter import INVOKE_AND_WAIT
from milepost.simulator.memory.published import MemoryPublished
from milepost.simulator.publish import deploy, open_shop
from milepost.simulator.test_case import run_case
from milepost.simulator.trace import EnrollmentTrace
from milepost.simulator.workflow_tests import run_workflow_tests
from milepost.simulator.world import Deployment
from milepost.workflows.compiler.check_steps import build_program, check_flow
from milepost.workflows.compiler.state_machine import state_machine
from milepost.workflows.language.workflow import Workflow
from tests.journeys.carts import ABANDONED_CART
from tests.journeys.stories import CART
from tests.support.builders import (
    ADA,
    MONDAY_NOON,
    STORE,
    Json,
    branch,
    delay,
    leave,
    send,
    shop,
    text,
    wait_for,
    workflow,
)
from tests.support.laws import how_many
from tests.support.random_workflows import histories, workflows
from tests.support.tree import Happened
from tests.support.world import World

EARLY = MONDAY_NOON - timedelta(days=1)
SUSPEND_AFTER = timedelta(days=30)
MOMENT = timedelta(milliseconds=1)


def case_event(happened: Happened) -> Json:
    at = times.format_instant(happened.at)
    return {"at": at, "event": happened.name, "properties": dict(happened.data)}


def simulate(
    deployment: Deployment, contact: Json, trigger: Json, events: list[Json]
) -> EnrollmentTrace:
    """Simulate a contact in the deployed workflow."""
    start = times.format_instant(MONDAY_NOON)
    story = {"contact": contact, "start": start, "trigger": trigger, "events": events}
    case = CaseInput.model_validate(story)
    trace, problems = run_case("any", case, deployment, store=STORE)
    assert problems == []
    return trace


def stack_result(world: World) -> tuple[list[tuple[str, datetime]], str, str]:
    enrollment = world.enrollment(ADA)
    mails = [(mail.tags["step"], at) for at, mail in world.posted]
    return mails, enrollment.status, enrollment.reason


def simulator_result(trace: EnrollmentTrace) -> tuple[list[tuple[str, datetime]], str, str]:
    return [(mail.step, mail.at) for mail in trace.mails], trace.ends, trace.reason


def never_suspended(world: World) -> Deployment:
    """The live workflow, compiled so that every wait stays inside its execution."""
    program = world.program("any")
    head = {name: value for name, value in program.options.items() if name != "suspend_after"}
    program = replace(program, options=head)
    shelf = replace(world.shelf, programs={(STORE, "any", program.version): (program, "")})
    arn = shelf.head(STORE).workflows["any"].machine
    return Deployment(MemoryPublished(shelf), {arn: state_machine(program, WIRING)})


def both_compare(
    document: Json, history: list[Happened], number: int, suspend_after: timedelta = SUSPEND_AFTER
) -> None:
    """Run one customer through the workflow, in a stack and in the simulator.

    A suspended enrollment gives the same trace as one whose waits all stay inside the execution.
    """
    world = World(start=EARLY, suspend_after=suspend_after, tick=MOMENT)
    world.publish(shop(any=document))
    trigger = Happened("Visited", MONDAY_NOON, {"n": number})
    for happened in sorted([trigger, *history], key=lambda each: each.at):
        world.run_until(happened.at)
        world.event(happened.name, happened.data, id_="trigger" if happened is trigger else None)
    world.run_for(days=100)
    story = ({"email": ADA}, {"n": number}, [case_event(each) for each in history])
    trace = simulate(world.deployment(), *story)
    assert simulator_result(trace) == stack_result(world)
    assert simulate(never_suspended(world), *story)._replace(action_count=0) == trace._replace(
        action_count=0
    )


SLOW = settings(
    max_examples=how_many(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(document=workflows(), history=histories(), number=st.integers(0, 3))
@SLOW
def test_simulator_and_stack_agree_on_random_workflows(
    document: Json, history: list[Happened], number: int
) -> None:
    both_compare(document, history, number)


EXTRA: tuple[Json, ...] = (
    {"type": "holdout", "percent": 30},
    {"type": "update_contact", "set": {"color": "red"}, "increment": {"rounds": 1}},
    {"type": "emit_event", "event": "Replied", "properties": {"n": 2}},
    {"type": "webhook", "url": "https://crm.example/contacts"},
    {"type": "delay_until", "date": "2026-11-05", "at": "08:00"},
    {"type": "delay", "for": "3 days"},
    {"type": "add_score", "points": 3},
)


@st.composite
def workflows_with_other_steps(draw: st.DrawFn) -> Json:
    """A random workflow with additional steps of other types, and possibly a loop."""
    document: Json = draw(workflows())
    steps = [*document["steps"]]
    kinds = st.lists(st.integers(0, len(EXTRA) - 1), min_size=1, max_size=3, unique=True)
    for number in draw(kinds):
        extra = {"id": f"extra-{number}", **EXTRA[number]}
        steps.insert(draw(st.integers(0, len(steps))), extra)
    if draw(st.booleans()):
        paths = [{"name": name, "steps": [send(f"mail-{name}")]} for name in ("a", "b")]
        steps.insert(0, {"id": "test", "type": "split", "paths": paths})
    if draw(st.booleans()):
        to = draw(st.sampled_from([step["id"] for step in steps]))
        steps.append({"id": "again", "type": "goto", "to": to, "max": draw(st.integers(1, 3))})
    document = {**document, "steps": steps}
    workflow_ = parse_file(text(document), Workflow)
    assume(isinstance(workflow_, Workflow) and not check_flow(workflow_))
    return document


@given(
    document=workflows_with_other_steps(),
    history=histories(),
    number=st.integers(0, 3),
    suspend_after=st.sampled_from([timedelta(hours=2), SUSPEND_AFTER]),
)
@SLOW
def test_simulator_and_stack_agree_on_all_step_types(
    document: Json, history: list[Happened], number: int, suspend_after: timedelta
) -> None:
    """This includes waits that suspend the enrollment."""
    both_compare(document, history, number, suspend_after)


def test_simulated_wait_of_months_ends_on_its_day() -> None:
    answer = wait_for("answer", "Replied", "90 days", [send("thanks")], [send("nudge")])
    steps = [send("first"), delay("200 days", "rest"), answer]
    world = World()
    world.publish(shop(any=workflow(*steps, category="transactional")))
    states = [s for d in world.machines.versions.values() for s in d["States"].values()]
    assert {state["Type"] for state in states} <= {"Task", "Choice"}, "there is no Wait state"
    assert INVOKE_AND_WAIT not in {state.get("Resource") for state in states}
    replied = {"after": "250 days", "event": "Replied"}
    for events, last, day, how in (
        ([replied], "thanks", 250, "waits"),
        ([], "nudge", 290, "time-out"),
    ):
        trace = simulate(world.deployment(), {"email": ADA}, {}, events)
        assert [(m.step, m.at - trace.began) for m in trace.mails] == [
            ("first", timedelta(0)),
            (last, timedelta(days=day)),
        ]
        assert [m.kind for m in trace.moments if m.step == "answer"][-1] == how
        assert trace.path == ("first", "rest", "answer", last)


ADA_CONSENTS = {"email": ADA, "consents_to": ["offers"]}
BIG = {"checkout_id": "c-1", "total": 150}


def compare(document: Json, act: str, events: list[Json]) -> EnrollmentTrace:
    """Let the recipient act on the first mail three hours after entry, in both."""
    world = World(start=MONDAY_NOON)
    world.publish(shop(any=document))
    world.consent()
    world.event("Checkout Started", BIG, id_="trigger")
    world.run_for(hours=3)
    if act:
        getattr(world, act)(world.last_mail())
    world.run_for(days=10)
    trace = simulate(world.deployment(), ADA_CONSENTS, BIG, events)
    assert simulator_result(trace) == stack_result(world)
    return trace


def test_simulator_and_stack_agree_without_recipient_action() -> None:
    assert compare(ABANDONED_CART, "", []).ends == "completed"


def test_simulator_and_stack_agree_on_a_click() -> None:
    events = [{"after": "3 hours", "clicks": "reminder"}]
    assert compare(ABANDONED_CART, "click", events).reason == "came back"


def test_simulator_and_stack_agree_on_an_unsubscribe() -> None:
    events = [{"after": "3 hours", "unsubscribes": "reminder"}]
    assert len(compare(CART, "unsubscribe", events).mails) == 1


def test_simulator_and_stack_agree_on_a_bounce() -> None:
    events = [{"after": "3 hours", "bounces": "reminder"}]
    assert len(compare(CART, "bounce", events).mails) == 1


def test_simulator_and_stack_agree_on_a_complaint() -> None:
    events = [{"after": "3 hours", "complains": "reminder"}]
    assert len(compare(CART, "complain", events).mails) == 1


def test_simulator_and_stack_agree_on_a_condition_about_delivery() -> None:
    trace = compare(CART, "open", [{"after": "3 hours", "opens": "reminder"}])
    assert [mail.step for mail in trace.mails] == ["reminder", "offer", "last-call"]


ROUNDS = workflow(
    branch("done", {"did": "Order Completed"}, [leave("bought", "bought")]),
    send("again"),
    delay("1 day", "pause"),
    {"id": "back", "type": "goto", "to": "done", "max": 2},
    {
        "id": "test",
        "type": "split",
        "paths": [{"name": name, "steps": [send(f"mail-{name}")]} for name in ("a", "b")],
    },
    {"id": "control", "type": "holdout", "percent": 50},
    {"id": "date", "type": "delay_until", "date": "2026-11-10", "at": "10:00"},
    send("last"),
)


def test_simulator_and_stack_agree_on_loops_and_chance() -> None:
    trace = compare(ROUNDS, "", [])
    assert trace.path[:9] == ("done", "again", "pause", "back") * 2 + ("done",)
    assert [mail.step for mail in trace.mails][:3] == ["again"] * 3
    assert trace.path.count("back") == 3
    kept = "keeps the contact back" if trace.reason == "holdout" else "lets the contact go on"
    assert [moment.text for moment in trace.moments if moment.step == "control"] == [kept]


TRANSACTIONAL = workflow(send("a"), send("b"), category="transactional")


def test_step_that_cannot_run_fails_the_simulated_enrollment() -> None:
    document = shop(any=workflow(send("a"), category="transactional"))
    files = {path: text(content) for path, content in document.items()}
    opened = open_shop(files, MONDAY_NOON)
    broken = replace(opened.program("any"), nodes={"a": {"id": "a", "type": "unheard-of"}})
    opened.shelf.programs["simulated", "any", 1] = (broken, "")
    trace, _ = run_case("any", CaseInput.model_validate({}), opened.alone("any"))
    assert trace.ends == "failed"
    assert "unheard-of" in trace.reason
    assert trace.path == ("a",)
    assert trace.moments[-1].kind == "leaves"
    assert trace.moments[-1].at - trace.began > timedelta(hours=6), "it was retried"


def test_mail_before_a_failing_step_is_traced_once_with_its_time() -> None:
    opened = open_shop(
        {path: text(content) for path, content in shop(any=TRANSACTIONAL).items()}, MONDAY_NOON
    )
    program = opened.program("any")
    nodes = {**program.nodes, "b": {"id": "b", "type": "unheard-of"}}
    opened.shelf.programs["simulated", "any", 1] = (replace(program, nodes=nodes), "")
    trace, _ = run_case("any", CaseInput.model_validate({}), opened.alone("any"))
    assert [(mail.step, mail.at) for mail in trace.mails] == [("a", trace.began)]
    assert trace.path == ("a", "b")
    assert trace.ends == "failed"


class TemplateTemporarilyMissing:
    """A registry in which reading one template fails three times."""

    def __init__(self, registry: Published, name: str) -> None:
        self._registry, self._name = registry, name
        self._failures = 3

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def template(self, store: str, name: str, version: str) -> Any:
        if name == self._name and self._failures:
            self._failures -= 1
            raise LookupError("not there yet")
        return self._registry.template(store, name, version)


@pytest.mark.parametrize("name", ["one", "two", "three"])
def test_temporary_failure_only_delays_the_simulated_mails(name: str) -> None:
    big = branch("big", {"event": "total", "gte": 10}, [send("second", "two")])
    steps = [send("first", "one"), big, send("third", "three")]
    document = shop("one", "two", "three", any=workflow(*steps, category="transactional"))
    files = {path: text(content) for path, content in document.items()}
    deployment = open_shop(files, MONDAY_NOON).alone("any")
    case = CaseInput.model_validate({"trigger": {"total": 20}})
    smooth, _ = run_case("any", case, deployment)
    assert smooth.path == ("first", "big", "second", "third")
    registry: Any = TemplateTemporarilyMissing(deployment.registry, name)
    late, _ = run_case("any", case, deployment._replace(registry=registry))
    assert [moment[1:] for moment in late.moments] == [moment[1:] for moment in smooth.moments]
    assert (late.path, late.ends) == (smooth.path, smooth.ends)
    delays = [b.at - a.at for a, b in zip(smooth.mails, late.mails, strict=True)]
    before, after = delays[: ["one", "two", "three"].index(name)], delays[-1]
    assert after == timedelta(seconds=0.5 + 1 + 2)
    assert not any(before)


def test_failed_execution_fails_the_simulated_enrollment() -> None:
    opened = open_shop(
        {path: text(content) for path, content in shop(any=TRANSACTIONAL).items()}, MONDAY_NOON
    )
    nowhere = {"StartAt": "nowhere", "States": {"nowhere": {"Type": "Choice", "Choices": []}}}
    deployment = opened.alone("any")
    deployment = deployment._replace(definitions=dict.fromkeys(deployment.definitions, nowhere))
    trace, _ = run_case("any", CaseInput.model_validate({}), deployment)
    assert (trace.ends, trace.reason) == ("failed", "state machine FAILED")
    assert trace.moments[-1].text == "leaves any, failed: state machine FAILED"


def test_endless_simulation_is_stopped_and_reported() -> None:
    opened = open_shop({}, MONDAY_NOON)
    delay_ = {"id": "a", "type": "delay", "for": "1 second", "next": "a"}
    head = {
        "trigger": {"type": "event", "event": "A"},
        "reentry": {"allow": "never"},
        "category": "transactional",
    }
    endless = Program("any", 1, head, {"a": delay_}, "a")
    deployment = deploy(endless, opened.shelf.head("simulated").settings, [])
    trace, problems = run_case("any", CaseInput.model_validate({}), deployment, most=100)
    assert [problem.location for problem in problems] == ["steps"]
    assert trace.ends == "active"


def test_test_cases_of_a_file_share_one_action_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.simulator.workflow_tests.MAX_TOGETHER", 12)
    document = shop(any=workflow(send("a"), category="transactional"))
    files = {path: text(content) for path, content in document.items()}
    case = {"name": "a mail", "expect": {"messages": [{"step": "a"}]}}
    tests = WorkflowTests.model_validate({"workflow": "any", "cases": [case] * 4})
    trials = list(run_workflow_tests(open_shop(files, MONDAY_NOON).alone("any"), tests))
    assert trials[0].problems == ()
    assert "too much happens" in trials[-1].problems[0].reason


TRIGGERS: list[tuple[Json, Json]] = [
    ({"type": "list", "list": "vip", "on": "added"}, {}),
    ({"type": "form", "form": "footer", "where": {"event": "age", "gte": 18}}, {"age": 20}),
    ({"type": "date", "day": "03-08"}, {}),
    ({"type": "inactivity", "for": "90 days", "events": ["Order Completed"]}, {}),
    ({"type": "manual"}, {}),
    (
        {"type": "contact", "field": "properties.plan", "from": "free", "to": "gold"},
        {"plan": "gold"},
    ),
    ({"type": "contact", "field": "properties.plan", "to": "free"}, {}),
]


@pytest.mark.parametrize(("trigger", "data"), TRIGGERS)
def test_simulation_starts_with_the_event_of_the_trigger(trigger: Json, data: Json) -> None:
    """This includes triggers that publishing does not offer yet."""
    plain = open_shop({path: text(content) for path, content in shop().items()}, MONDAY_NOON)
    document = workflow(send("a"), trigger=trigger, category="transactional")
    program = build_program("any", 1, Workflow.model_validate(document))
    settings_ = plain.shelf.head("simulated").settings
    deployment = deploy(program, settings_, plain.shelf.templates.values())
    case = CaseInput.model_validate({"contact": {"properties": {"plan": "free"}}, "trigger": data})
    trace, problems = run_case("any", case, deployment)
    assert [mail.step for mail in trace.mails] == ["a"]
    assert problems == []
