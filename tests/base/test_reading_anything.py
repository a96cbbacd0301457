"""A file with pieces missing, doubled and replaced is compiled or explained, and what is compiled
can be carried out."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.transitions import longest_stay, transitions
from milepost.base.dates import date_due, delay_ends
from milepost.base.parse_file import parse_file
from milepost.base.paths import render_text, resolve_all
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import emails_needed, evaluate, windows_needed
from milepost.contacts.event import ContactUpdate, encode_body
from milepost.contacts.profile import Profile, apply_event
from milepost.enrollments.chance import choose_path, is_held_out
from milepost.enrollments.entry import decide_entry, trigger_matches
from milepost.enrollments.program import Node, Program
from milepost.enrollments.trigger_types import trigger_index_entry
from milepost.runtime.steps.step_events import STEP_EVENTS, changes_of, data_of, decide_event
from milepost.stores.settings import StoreSettings
from milepost.workflows.compiler.check_conditions import check_conditions
from milepost.workflows.compiler.check_steps import build_program, check_flow
from milepost.workflows.compiler.state_machine import MachineConfig, state_machine
from milepost.workflows.language.workflow import Workflow
from tests.journeys.visits import goto, split, step
from tests.support.builders import (
    MONDAY_NOON,
    STORE,
    Json,
    branch,
    contact,
    delay,
    enrollment,
    event,
    leave,
    send,
    wait_for,
    workflow,
)
from tests.support.json_strategy import documents
from tests.support.laws import how_many
from tests.support.random_workflows import workflows

HOOK = "https://crm.example.com/hook"
EVERYTHING = workflow(
    step("update_contact", "update", set={"a": {"from": "event.total"}, "b": [1, {"c": None}]},
         unset=["d"], increment={"e": 1.5}, append={"f": "x"}, locale="pt-BR",
         timezone={"from": "event.zone"}),
    step("add_to_list", "join", list="club"), step("remove_from_list", "part", list="club"),
    step("set_stage", "stage", stage="vip"), step("add_score", "score", points=5),
    step("emit_event", "tell", event="Told", properties={"n": {"from": "event.total"}}),
    step("start_workflow", "go", workflow="other"),
    step("webhook", "hook", url=HOOK, method="PUT", body={"x": {"from": "contact.email"}},
         headers={"X-Team": "growth"}, on_failure="exit"),
    step("notify", "say", message="{contact.email} left", to="slack", url=HOOK),
    step("holdout", "control", percent=5), split("s", a=1, b=0, c=3),
    step("delay_until", "until", date="event.renewal", offset="-3 days", at="09:30",
         timezone="store", if_missing="exit"),
    step("send_email", "mail", variants=[{"name": "a", "template": "plain", "weight": 2},
                                         {"name": "b", "template": "plain"}],
         from_name="Zoé", reply_to="help@shop.example", expires="2 days", category="marketing"),
    wait_for("w", "Replied", "2 days", [send("thanks")], [goto("again", "until", max=3)],
             where={"event": "n", "gt": 1}),
    branch("b", {"any": [{"step": "hook", "output": "body.tier", "is": "gold"},
                         {"sum_of": "Paid", "of": "total", "gte": 5, "since": "enrollment"},
                         {"in_list": "club"}, {"email": "mail", "was": "clicked", "link": "x"},
                         {"not": {"did": "Paid", "times": {"lt": 3}, "within": "30 days"}},
                         {"contact": "properties.born", "anniversary_within": "7 days"}]},
           [leave("out")], [delay("1 day", until_time="09:30", on_days=["monday"])]),
    send("last"),
    trigger={"type": "contact", "field": "score", "crosses": 50},
    audience={"all": [{"consents_to": "offers"}, {"in_workflow": "x"}]},
    reentry={"allow": "after", "after": "7 days"},
    exit_on=[{"event": "Paid", "where": {"event": "total", "between": [1, 5]}}],
    goal={"event": "Paid", "within": "5 days"},
)  # fmt: skip
TRIGGERS: list[Json] = [
    {"type": "event", "event": "E", "key": "id", "where": {"event": "x", "exists": True}},
    {"type": "list", "list": "club", "on": "removed"},
    {"type": "contact", "field": "stage", "from": "a", "to": "b"},
    {"type": "email", "on": "clicked", "workflow": "w", "step": "s", "link": "x"},
    {"type": "manual"},
]
NASTY = ['"\\ud800"', "1e999", "-1e999", "1e308", "9" * 400, "-0.0", '"9999-12-31"', '"٢٠٢٦-01-01"']


def _finite(data: Any) -> bool:
    try:
        json.dumps(data, allow_nan=False)
    except ValueError:
        return False
    return True


posted = documents.filter(_finite)
"""What an event may hold: reading it has refused numbers that are none."""

FACTS = EvaluationContext(now=datetime(2026, 11, 22, tzinfo=UTC))


def compiled(text: str) -> Program | None:
    found = parse_file(text, Workflow)
    if isinstance(found, list):
        assert all(problem.location and problem.reason for problem in found)
        return None
    if [*check_flow(found), *check_conditions(found)]:
        return None
    program = build_program("name", 1, found)
    json.dumps(program.to_json(), allow_nan=False, ensure_ascii=False).encode()
    json.dumps(state_machine(program, MachineConfig("run", "await")), allow_nan=False)
    assert transitions(program) >= 1
    longest_stay(program)
    return program


def carry_out(program: Program, data: Any) -> None:
    """Do what the runtime does with a program, for a contact and an event that hold anything."""
    known = {"x": data, **(data if isinstance(data, dict) else {})}
    happened = event("E", known, contact=ContactUpdate(properties=known))
    profile = apply_event(Profile(STORE, contact()), happened, StoreSettings())
    if trigger_matches(program.workflow, trigger_index_entry(program), None, profile, happened):
        decide_entry(program, profile, happened, FACTS, MONDAY_NOON)
    looked_up = {"event": known, "contact": profile.as_data(), "steps": {"hook": known},
                 "enrollment": {}, "store": {}}  # fmt: skip
    inside = enrollment(event_data=known)
    facts = EvaluationContext(
        now=FACTS.now, contact=profile.as_data(), event=known, steps={"hook": known}
    )
    for node in program.nodes.values():
        _carry_out(node, looked_up, profile, inside, facts)


def _carry_out(
    node: Node, data: Json, profile: Profile, inside: Any, facts: EvaluationContext
) -> None:
    match node["type"]:
        case kind if kind in STEP_EVENTS:
            outcome = json.loads(json.dumps(decide_event(node, inside, data), allow_nan=False))
            said = ContactUpdate(changes=changes_of(outcome))
            report = event(outcome["event"], data_of(outcome, inside), contact=said)
            encode_body(report).encode()
            apply_event(profile, report, StoreSettings()).as_data()
        case "split":
            choose_path(
                inside.ref, node["id"], {p["name"]: p.get("weight", 1) for p in node["paths"]}
            )
        case "holdout":
            is_held_out(inside.ref, node)
        case "branch":
            for path in node["paths"]:
                evaluate(path["if"], facts)
                list(windows_needed(path["if"], FACTS.now, FACTS.now))
                list(emails_needed(path["if"]))
        case "delay":
            delay_ends(node, FACTS.now, profile.get("timezone"), "Europe/Paris")
        case "delay_until":
            date_due(node, data, profile.get("timezone"), "Europe/Paris")
        case "webhook":
            json.dumps(resolve_all(node.get("body", {}), data), ensure_ascii=False).encode()
        case "notify":
            render_text(node["message"], data).encode()


def _spots(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = document.items() if isinstance(document, dict) else (
        enumerate(document) if isinstance(document, list) else ()
    )  # fmt: skip
    return [path, *(spot for key, value in inner for spot in _spots(value, (*path, key)))]


def _at(document: Any, spot: tuple[Any, ...]) -> Any:
    for key in spot:
        document = document[key]
    return document


def _changed(document: Any, spot: tuple[Any, ...], change: Any) -> Any:
    """A copy with something done to the piece at a spot; `change` gets its holder and its key."""
    copy = json.loads(json.dumps(document))
    if spot:
        change(_at(copy, spot[:-1]), spot[-1])
    return copy


@st.composite
def mutated(draw: st.DrawFn, document: Json) -> str:
    """The text of a file after a few accidents."""
    for _ in range(draw(st.integers(1, 3))):
        spots = _spots(document)
        spot, other = draw(st.sampled_from(spots)), draw(st.sampled_from(spots))
        piece = draw(
            st.one_of(
                st.just(_at(document, other)),
                documents,
                st.integers(0, len(NASTY) - 1).map(lambda number: f"@@{number}@@"),
            )
        )

        def put(home: Any, key: Any, piece: Any = piece) -> None:
            home[key] = piece

        def drop(home: Any, key: Any) -> None:
            del home[key]

        def double(home: Any, key: Any) -> None:
            if isinstance(home, list):
                home.insert(key, home[key])
            else:
                home[f"{key}_"] = home[key]

        document = _changed(document, spot, draw(st.sampled_from([put, put, drop, double])))
    text = json.dumps(document)
    for number, nasty in enumerate(NASTY):
        text = text.replace(f'"@@{number}@@"', nasty)
    return text


def test_the_file_with_everything_in_it_is_compiled() -> None:
    for trigger in TRIGGERS:
        assert compiled(json.dumps({**EVERYTHING, "trigger": trigger})) is not None


@settings(max_examples=how_many(300), deadline=None)
@given(
    st.sampled_from(TRIGGERS).flatmap(lambda trigger: mutated({**EVERYTHING, "trigger": trigger})),
    posted,
)
def test_a_file_with_everything_in_it_and_accidents_is_compiled_or_explained(
    text: str, data: Any
) -> None:
    program = compiled(text)
    if program is not None:
        carry_out(program, data)


@settings(max_examples=how_many(100), deadline=None)
@given(workflows(everything=True).flatmap(mutated), posted)
def test_any_workflow_with_accidents_is_compiled_or_explained(text: str, data: Any) -> None:
    program = compiled(text)
    if program is not None:
        carry_out(program, data)


@settings(max_examples=how_many(60), deadline=None)
@given(st.sampled_from(TRIGGERS), posted)
def test_what_is_compiled_can_be_carried_out_for_anybody(trigger: Json, data: Any) -> None:
    program = compiled(json.dumps({**EVERYTHING, "trigger": trigger}))
    assert program is not None
    carry_out(program, data)
