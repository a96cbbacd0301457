from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.conditions.context import EvaluationContext
from milepost.contacts.event import Event
from milepost.contacts.event_names import WORKFLOW_STARTED
from milepost.contacts.profile import ActiveEnrollment, EventTotal, Profile
from milepost.enrollments.entry import (
    EMITTED_BY,
    MAX_CHAIN_DEPTH,
    EntryAccepted,
    EntryDenied,
    decide_entry,
    enrollment_id,
    exit_rules,
    matching_exit,
    trigger_matches,
)
from milepost.enrollments.program import Program
from tests.support.builders import MONDAY_NOON, STORE, contact, enrollment, event

NOW = MONDAY_NOON + timedelta(minutes=1)
Json = dict[str, Any]


def program(**head: Any) -> Program:
    trigger = {"type": "event", "event": "Checkout Started"} | head.pop("trigger", {})
    head = {"reentry": {"allow": "never"}, **head, "trigger": trigger}
    return Program("cart", 3, head, {}, "end")


def matches_trigger(program: Program, before: Profile, after: Profile, happened: Event) -> bool:
    return trigger_matches(program.workflow, program.options["trigger"], before, after, happened)


def decide(
    head: Json | None = None,
    happened: Event | None = None,
    now: Any = NOW,
    facts: Json | None = None,
    **known: Any,
) -> EntryAccepted | EntryDenied | None:
    happened = happened or event(data={"checkout_id": "c-1", "total": 20}, id_="evt-1")
    profile = Profile(STORE, contact(), **known)
    seen = EvaluationContext(now=now, event=happened.data, **(facts or {}))
    return decide_entry(program(**(head or {})), profile, happened, seen, now)


def accept(*args: Any, **kwargs: Any) -> EntryAccepted:
    decision = decide(*args, **kwargs)
    assert isinstance(decision, EntryAccepted), decision
    return decision


def denial(*args: Any, **kwargs: Any) -> str:
    decision = decide(*args, **kwargs)
    assert isinstance(decision, EntryDenied), decision
    return decision.reason


def test_trigger_event_enrolls_the_contact() -> None:
    found = accept().enrollment
    assert (found.ref.workflow, found.ref.version, found.ref.contact) == ("cart", 3, contact())
    assert (found.event_id, found.event_name, found.status) == (
        "evt-1",
        "Checkout Started",
        "active",
    )
    assert (found.since, found.entered_at, found.key) == (MONDAY_NOON, NOW, "")
    assert found.event_data == {"checkout_id": "c-1", "total": 20}


def test_other_event_does_not_match_the_trigger() -> None:
    here = Profile(STORE, contact())
    assert matches_trigger(program(), here, here, event("Checkout Started"))
    assert not matches_trigger(program(), here, here, event("Product Viewed"))


def test_manual_workflow_starts_when_named() -> None:
    here = Profile(STORE, contact())
    manual = program(trigger={"type": "manual", "event": WORKFLOW_STARTED})
    assert matches_trigger(manual, here, here, event(WORKFLOW_STARTED, {"workflow": "cart"}))
    assert matches_trigger(
        manual, here, here, event(WORKFLOW_STARTED, {"_emitted_by": {"starts_workflow": "cart"}})
    )
    assert not matches_trigger(manual, here, here, event(WORKFLOW_STARTED, {"workflow": "welcome"}))
    assert not matches_trigger(manual, here, here, event("Checkout Started", {"workflow": "cart"}))


def test_repeated_event_gives_the_same_enrollment_id() -> None:
    assert accept().enrollment.ref == accept(now=NOW + timedelta(hours=1)).enrollment.ref
    assert accept(happened=event(id_="evt-2")).enrollment.ref != accept().enrollment.ref


def test_event_that_fails_the_condition_does_not_enroll() -> None:
    where = {"trigger": {"where": {"event": "total", "gte": 50}}}
    assert denial(where) == "trigger: event.total is 20 (condition: is at least 50)"
    accept({"trigger": {"where": {"event": "total", "gte": 20}}})


@pytest.mark.parametrize(("hours", "enters"), [(0, True), (24, True), (25, False)])
def test_event_older_than_a_day_does_not_enroll(hours: int, enters: bool) -> None:
    decision = decide(now=MONDAY_NOON + timedelta(hours=hours))
    assert isinstance(decision, EntryAccepted) is enters
    if isinstance(decision, EntryDenied):
        assert decision.reason == "the event is 1 day 1 hour old, news is 1 day"


# --- keys ---

KEYED = {"trigger": {"key": "checkout_id"}, "reentry": {"allow": "always"}}


def test_each_value_of_the_key_has_its_own_enrollment() -> None:
    first = accept(KEYED).enrollment
    assert first.key == "c-1"
    again = event(data={"checkout_id": "c-1"}, id_="evt-2")
    other = event(data={"checkout_id": "c-2"}, id_="evt-3")
    assert accept(KEYED, again).enrollment.ref == first.ref
    assert accept(KEYED, other).enrollment.ref != first.ref


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"checkout_id": None},
        {"checkout_id": ""},
        {"checkout_id": []},
        {"checkout_id": {"a": 1}},
    ],
)
def test_event_without_the_key_does_not_enroll(data: Json) -> None:
    assert denial(KEYED, event(data=data)) == "key: event.checkout_id is missing"


@pytest.mark.parametrize("value", [0, 7, 7.5, False, "x"])
def test_key_may_be_any_plain_value(value: Any) -> None:
    assert accept(KEYED, event(data={"checkout_id": value})).enrollment.key == str(value)


# --- coming again ---


def inside(event_id: str = "evt-0", workflow: str = "cart") -> Json:
    return {
        "active_enrollments": {"e-0": ActiveEnrollment(workflow, 2, event_id, MONDAY_NOON, "arn:1")}
    }


def test_active_enrollment_prevents_a_second_entry() -> None:
    always = {"reentry": {"allow": "always"}}
    assert denial(always, **inside()) == "already inside"
    accept(always, **inside(workflow="welcome"))


def test_trigger_event_may_be_repeated() -> None:
    accept({"reentry": {"allow": "always"}}, **inside("evt-1"))


def test_reentry_never_applies_to_each_key() -> None:
    before = {"entries": {"cart": MONDAY_NOON - timedelta(days=1)}}
    assert denial(**before) == "was here before, reentry is never"
    assert accept({"trigger": {"key": "checkout_id"}}, **before)


def test_contact_may_have_an_active_enrollment_for_each_key() -> None:
    accept(KEYED, **inside())


@pytest.mark.parametrize(
    ("reentry", "hours", "reason"),
    [
        ({"allow": "never"}, 999, "was here before, reentry is never"),
        ({"allow": "always"}, 0, None),
        ({"allow": "after", "after": "1 day"}, 23, "was here 23 hours ago, reentry is after 1 day"),
        ({"allow": "after", "after": "1 day"}, 24, None),
    ],
)
def test_reentry_follows_the_workflow(reentry: Json, hours: int, reason: str | None) -> None:
    decision = decide({"reentry": reentry}, entries={"cart": NOW - timedelta(hours=hours)})
    assert (decision.reason if isinstance(decision, EntryDenied) else None) == reason


def test_entry_into_another_workflow_does_not_count_as_reentry() -> None:
    accept(entries={"welcome": NOW})


# --- who it is for ---


def test_contact_outside_the_audience_does_not_enter() -> None:
    audience = {"audience": {"consents_to": "offers"}}
    assert denial(audience) == "audience: never consented to offers"
    accept(audience, facts={"consent": {"offers": "granted"}})


# --- what ends it ---


def total(minutes: int) -> Json:
    at = MONDAY_NOON + timedelta(minutes=minutes)
    return {"totals": {"Order Completed": EventTotal(1, at, at)}}


@pytest.mark.parametrize(
    "head",
    [
        {"goal": {"event": "Order Completed", "within": "5 days"}},
        {"exit_on": [{"event": "Order Completed"}]},
    ],
)
def test_event_older_than_its_exit_does_not_enroll(head: Json) -> None:
    """The order arrived before the checkout that it completes."""
    assert denial(head, **total(1)) == "Order Completed has already happened since"
    accept(head, **total(0))
    accept(head, **total(-1))


def exit_reason(head: Json, happened: Event) -> str | None:
    return matching_exit(program(**head), happened, MONDAY_NOON)


def order(minutes: int, **data: Any) -> Event:
    return event("Order Completed", data, at=MONDAY_NOON + timedelta(minutes=minutes))


def test_goal_counts_only_within_its_window() -> None:
    goal = {"goal": {"event": "Order Completed", "within": "1 hour"}}
    assert exit_reason(goal, order(60)) == "goal reached"
    assert exit_reason(goal, order(61)) is None
    assert exit_reason(goal, order(-1)) is None
    assert exit_reason(goal, event("Product Viewed", at=NOW)) is None


def test_exit_rule_has_no_window() -> None:
    head = {"exit_on": [{"event": "Order Completed"}]}
    assert exit_reason(head, order(99_999)) == "exit on Order Completed"


def test_exit_rule_may_have_a_condition() -> None:
    head = {"exit_on": [{"event": "Order Completed", "where": {"event": "total", "gte": 20}}]}
    assert exit_reason(head, order(1, total="20.00")) == "exit on Order Completed"
    assert exit_reason(head, order(1, total="19.99")) is None
    assert exit_reason(head, order(1)) is None


def test_goal_event_after_its_window_may_match_an_exit_rule() -> None:
    head = {
        "goal": {"event": "Order Completed", "within": "1 hour"},
        "exit_on": [{"event": "Order Completed"}],
    }
    assert [ending["reason"] for ending in exit_rules(program(**head))] == [
        "goal reached",
        "exit on Order Completed",
    ]
    assert exit_reason(head, order(30)) == "goal reached"
    assert exit_reason(head, order(90)) == "exit on Order Completed"


def test_workflow_without_exit_rules_is_not_ended_by_events() -> None:
    assert exit_reason({}, order(1)) is None


# --- ids ---

words = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=10)


@given(words, words, words, words)
def test_enrollment_id_fits_step_functions_and_reveals_nothing(
    store: str, workflow: str, contact_: str, distinction: str
) -> None:
    name = enrollment_id(store, workflow, contact_, distinction)
    assert len(name) == 32
    assert set(name) <= set("e0123456789abcdef")
    assert name != enrollment_id(store, workflow, contact_, distinction + "x")


def test_profile_keeps_what_finds_the_enrollment() -> None:
    own = replace(enrollment(), state_machine_arn="arn:7")
    presence = own.presence()
    assert presence.ref(own.ref.store, own.ref.contact, own.ref.id) == own.ref
    assert (presence.machine, presence.event, presence.since) == ("arn:7", "evt-1", MONDAY_NOON)


@pytest.mark.parametrize(
    ("before", "enters"), [(MAX_CHAIN_DEPTH, True), (MAX_CHAIN_DEPTH + 1, False)]
)
def test_workflows_that_set_each_other_going_stop_after_the_fifth(
    before: int, enters: bool
) -> None:
    """The event carries how many workflows in a row have led to it."""
    reported = event(data={EMITTED_BY: {"chain_depth": before}}, id_="evt-1")
    assert isinstance(decide(happened=reported), EntryAccepted) is enters
