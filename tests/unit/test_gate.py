"""Every reason against sending, alone: each test fails when its objection is taken out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.domain.conditions import Facts, Happening, Window
from milepost.domain.contacts import Consent, Profile, Total
from milepost.domain.gate import Question, Send, Skip, conditions_asked, decide_send
from milepost.domain.program import Program
from tests.support.builders import ADA, MONDAY_NOON, STORE, contact, enrollment

NOW = MONDAY_NOON + timedelta(days=1)
YES = Consent("granted", MONDAY_NOON - timedelta(days=9), "form", "footer")
NO = Consent("withdrawn", MONDAY_NOON - timedelta(days=2), "one-click", "message")
Json = dict[str, Any]


def profile(**changes: Any) -> Profile:
    known = Profile(
        STORE,
        contact(),
        fields={"email": (ADA, "2026-11-01T00:00:00.000Z", "evt-0")},
        consent={"offers": YES},
    )
    return replace(known, **changes)


def program(**head: Any) -> Program:
    return Program("cart", 1, {"category": "marketing", **head}, {}, "end")


def question(**changes: Any) -> Question:
    """A message that nothing stands against, with some things changed."""
    known = changes.pop("profile", profile())
    made = Question(
        profile=known,
        enrollment=enrollment(),
        program=program(),
        facts=Facts(now=NOW, contact=known.as_data(), consent=known.consents()),
        category="marketing",
        topic="offers",
    )
    return made._replace(**changes)


def skipped(**changes: Any) -> Skip:
    decision = decide_send(question(**changes))
    assert isinstance(decision, Skip)
    return decision


def test_a_message_that_nothing_stands_against_goes_with_the_numbers_it_rests_on() -> None:
    assert decide_send(question()) == Send(
        {"category": "marketing", "consented_at": "2026-10-24T12:00:00.000Z"}
    )


@pytest.mark.parametrize("status", ["completed", "exited", "failed"])
def test_who_is_no_longer_inside_gets_nothing(status: Any) -> None:
    over = enrollment(status=status, reason="came back")
    assert skipped(enrollment=over) == Skip(f"enrollment is {status}: came back", ends=True)


def test_a_store_that_is_paused_sends_nothing() -> None:
    assert skipped(store_paused=True) == Skip("store is paused")


def test_a_workflow_that_is_paused_sends_nothing() -> None:
    assert skipped(workflow_paused=True) == Skip("workflow is paused")


@pytest.mark.parametrize("fields", [{}, {"email": ("", "x", "y")}, {"email": (7, "x", "y")}])
def test_who_has_no_address_gets_nothing(fields: Json) -> None:
    assert skipped(profile=profile(fields=fields)) == Skip("contact has no e-mail address")


def test_marketing_about_nothing_in_particular_goes_to_nobody() -> None:
    assert skipped(topic=None) == Skip("marketing message without a topic")
    assert skipped(topic="") == Skip("marketing message without a topic")


def test_who_never_said_yes_gets_no_marketing() -> None:
    assert skipped(profile=profile(consent={})) == Skip("no consent", {"topic": "offers"})
    assert skipped(profile=profile(consent={"news": YES})).reason == "no consent"


def test_who_took_it_back_gets_no_marketing() -> None:
    assert skipped(profile=profile(consent={"offers": NO})) == Skip(
        "consent withdrawn",
        {"topic": "offers", "at": "2026-10-31T12:00:00.000Z", "by": "one-click"},
    )


def test_a_receipt_needs_no_consent() -> None:
    for consent in ({}, {"offers": NO}):
        receipt = question(category="transactional", topic=None, profile=profile(consent=consent))
        assert decide_send(receipt) == Send({"category": "transactional"})


def test_who_is_no_longer_of_the_audience_gets_nothing() -> None:
    audience = program(audience={"contact": "country", "is": "NO"})
    assert skipped(program=audience) == Skip("audience", {"why": "contact.country is missing"})
    assert skipped(program=audience, category="transactional", topic=None).reason == "audience"
    fields = {**profile().fields, "country": ("NO", "x", "y")}
    assert isinstance(decide_send(question(program=audience, profile=profile(fields=fields))), Send)


def done(minutes: int) -> Json:
    """Something was done this long after entering."""
    at = MONDAY_NOON + timedelta(minutes=minutes)
    return {"profile": profile(totals={"Order Completed": Total(1, at, at)})}


ENDINGS = [
    ({"goal": {"event": "Order Completed", "within": "1 day"}}, "goal reached"),
    ({"exit_on": [{"event": "Order Completed"}]}, "exit on Order Completed"),
]


@pytest.mark.parametrize(("head", "reason"), ENDINGS)
def test_who_did_what_ends_the_workflow_gets_nothing_more(head: Json, reason: str) -> None:
    """The reaction to it may still be on its way."""
    assert skipped(program=program(**head), **done(1)) == Skip(
        reason, {"at": "2026-11-02T12:01:00.000Z"}, ends=True
    )


@pytest.mark.parametrize(("head", "reason"), ENDINGS)
@pytest.mark.parametrize("minutes", [0, -1])
def test_what_was_done_before_entering_ends_nothing(head: Json, reason: str, minutes: int) -> None:
    assert reason
    assert isinstance(decide_send(question(program=program(**head), **done(minutes))), Send)


def test_a_goal_reached_too_late_ends_nothing() -> None:
    goal = program(goal={"event": "Order Completed", "within": "1 hour"})
    assert isinstance(decide_send(question(program=goal, **done(61))), Send)
    assert skipped(program=goal, **done(60)).ends


def test_an_ending_with_a_condition_looks_at_the_events_themselves() -> None:
    head = {"exit_on": [{"event": "Order Completed", "where": {"event": "total", "gte": 20}}]}
    window = Window("Order Completed", MONDAY_NOON)

    def facts(total: int) -> Facts:
        happened = [Happening(MONDAY_NOON + timedelta(minutes=1), {"total": total})]
        return Facts(now=NOW, entered_at=MONDAY_NOON, windows={window: happened})

    small = question(program=program(**head), facts=facts(19), **done(1))
    assert isinstance(decide_send(small), Send)
    assert skipped(program=program(**head), facts=facts(20), **done(1)).ends


def test_what_the_gate_will_ask_is_known_beforehand() -> None:
    where = {"event": "total", "gte": 20}
    audience = {"did": "Product Viewed", "within": "1 day"}
    head = {
        "audience": audience,
        "goal": {"event": "Order Completed", "within": "5 days"},
        "exit_on": [{"event": "Order Completed", "where": where}],
    }
    assert list(conditions_asked(program(**head))) == [
        audience,
        {"did": "Order Completed", "since": "enrollment", "where": where},
    ]
    assert list(conditions_asked(program())) == []


def test_the_first_reason_is_the_one_that_says_most() -> None:
    over = enrollment(status="exited", reason="goal reached")
    everything = {"enrollment": over, "store_paused": True, "topic": None}
    assert skipped(profile=profile(fields={}, consent={}), **everything).ends


def test_only_what_is_over_for_good_ends_the_enrollment() -> None:
    """A pause passes, and a consent may be given: whoever is inside then stays inside."""
    for changes in OBJECTIONS[1:-1]:
        assert not skipped(**changes).ends
    for changes in (OBJECTIONS[0], OBJECTIONS[-1]):
        assert skipped(**changes).ends


OBJECTIONS: list[Json] = [
    {"enrollment": enrollment(status="exited")},
    {"store_paused": True},
    {"workflow_paused": True},
    {"profile": profile(fields={})},
    {"topic": None},
    {"profile": profile(consent={})},
    {"profile": profile(consent={"offers": NO})},
    {"program": program(audience={"contact": "country", "is": "NO"})},
    {"program": program(exit_on=[{"event": "Order Completed"}]), **done(1)},
]


@given(st.sets(st.integers(0, len(OBJECTIONS) - 1), min_size=1))
def test_no_objection_is_lifted_by_another(chosen: set[int]) -> None:
    changes: Json = {}
    for number in chosen:
        changes |= OBJECTIONS[number]
    assert isinstance(decide_send(question(**changes)), Skip)


def snoozed(until: Any) -> Profile:
    known = profile()
    return replace(known, fields={**known.fields, "snoozed_until": (until, "", "")})


def test_whoever_takes_a_break_gets_no_marketing_until_it_is_over() -> None:
    later = "2026-11-03T12:00:00.001Z"
    found = skipped(profile=snoozed(later))
    assert (found.reason, found.numbers) == ("snoozed", {"until": later})
    assert not found.ends
    order = question(profile=snoozed(later), category="transactional", topic=None)
    assert isinstance(decide_send(order), Send)


@pytest.mark.parametrize("until", ["2026-11-03T12:00:00.000Z", "2020-01-01T00:00:00Z", "soon", None,
                                   7, "", ["x"]])  # fmt: skip
def test_a_break_that_is_over_or_none_stands_against_nothing(until: Any) -> None:
    assert isinstance(decide_send(question(profile=snoozed(until))), Send)
