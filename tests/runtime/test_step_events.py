"""What a step reports: decided once, written down, and read back as it was."""

import json
from typing import Any

import pytest
from hypothesis import given

from milepost.contacts.event_names import CONTACT, LIST, SCORE, STAGE, WORKFLOW_STARTED
from milepost.contacts.fields import Change
from milepost.contacts.profile import Profile
from milepost.enrollments.entry import EMITTED_BY, MAX_CHAIN_DEPTH, chain_depth, trigger_matches
from milepost.runtime.steps.step_events import STEP_EVENTS, changes_of, data_of, decide_event
from tests.support.builders import Json, contact, enrollment, event
from tests.support.json_strategy import documents

DATA = {"event": {"total": 42, "language": "pt_br", "zone": "Asia/Tehran"}, "contact": {}}
ORIGIN = {
    "workflow": "cart", "step": "s", "enrollment": "e-1", "chain_depth": 1,
    "root_event": "Checkout Started",
}  # fmt: skip


def step(kind: str, **fields: Any) -> Json:
    return {"id": "s", "type": kind, "next": "end", **fields}


@pytest.mark.parametrize(
    ("node", "name", "said", "changes"),
    [
        (step("update_contact", set={"a": {"from": "event.total"}, "b": {"from": "event.x"}},
              unset=["c"], increment={"d": 1.5}, append={"e": [1]}), CONTACT, {},
         [("set", "properties.a", 42), ("unset", "properties.c", None),
          ("add", "properties.d", 1.5), ("append", "properties.e", [1])]),
        (step("update_contact", locale={"from": "event.language"},
              timezone={"from": "event.zone"}), CONTACT, {},
         [("set", "locale", "pt-BR"), ("set", "timezone", "Asia/Tehran")]),
        (step("update_contact", locale={"from": "event.total"}, timezone={"from": "event.x"}),
         CONTACT, {}, []),
        (step("update_contact", locale="de", timezone="Mars"), CONTACT, {},
         [("set", "locale", "de")]),
        (step("add_to_list", list="vip"), LIST["added"], {"list": "vip"},
         [("set", "lists.vip", True)]),
        (step("remove_from_list", list="vip"), LIST["removed"], {"list": "vip"},
         [("set", "lists.vip", False)]),
        (step("set_stage", stage="vip"), STAGE, {"stage": "vip"}, [("set", "stage", "vip")]),
        (step("add_score", points=-5), SCORE, {"points": -5}, [("add", "score", -5)]),
        (step("emit_event", event="Told", properties={"n": {"from": "event.total"}}), "Told",
         {"n": 42}, []),
        (step("emit_event", event="Told"), "Told", {}, []),
        (step("emit_event", event="Told", properties={EMITTED_BY: "mine"}), "Told", {}, []),
    ],
)  # fmt: skip
def test_a_step_reports_what_it_says(
    node: Json, name: str, said: Json, changes: list[tuple[Any, ...]]
) -> None:
    outcome = json.loads(json.dumps(decide_event(node, enrollment(), DATA)))
    assert outcome["event"] == name
    assert data_of(outcome, enrollment()) == {**said, EMITTED_BY: ORIGIN}
    assert changes_of(outcome) == tuple(Change(*change) for change in changes)


def test_a_workflow_that_is_started_gets_the_event_and_the_outcome_stays_small() -> None:
    began = enrollment(event_data={"total": 150, "workflow": "x", EMITTED_BY: {"chain_depth": 2}})
    outcome = decide_event(step("start_workflow", workflow="other"), began, DATA)
    origin = {**ORIGIN, "chain_depth": 3, "starts_workflow": "other"}
    assert outcome == {"event": WORKFLOW_STARTED, "data": {EMITTED_BY: origin}, "changes": []}
    assert data_of(outcome, began) == {"total": 150, "workflow": "x", EMITTED_BY: origin}


@pytest.mark.parametrize(
    ("origin", "deep"),
    [
        ({"chain_depth": 3}, 3),
        ({}, 0),
        (None, 0),
        ("x", 0),
        ([], 0),
        ({"chain_depth": "3"}, 0),
        ({"chain_depth": None}, 0),
        ({"chain_depth": 1.5}, 0),
        ({"chain_depth": MAX_CHAIN_DEPTH + 1}, MAX_CHAIN_DEPTH + 1),
    ],
)
def test_depth_is_counted_by_us_alone(origin: Any, deep: int) -> None:
    assert chain_depth({EMITTED_BY: origin}) == deep


@given(documents)
def test_nothing_a_shop_puts_in_our_place_stops_an_event(origin: Any) -> None:
    head = {"trigger": {"type": "manual", "event": WORKFLOW_STARTED}}
    happened = event(WORKFLOW_STARTED, {EMITTED_BY: origin})
    here = Profile("harborline", contact())
    assert trigger_matches("cart", head["trigger"], None, here, happened) in {True, False}
    decide_event(step("emit_event", event="E"), enrollment(event_data={EMITTED_BY: origin}), DATA)


def test_every_deed_has_a_kind_of_step_of_its_own() -> None:
    assert set(STEP_EVENTS) == {
        "update_contact", "add_to_list", "remove_from_list", "set_stage", "add_score",
        "emit_event", "start_workflow",
    }  # fmt: skip
