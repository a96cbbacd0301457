"""The gate: each reason against sending alone. Each test fails if its check is removed."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.conditions.context import EvaluationContext, EventWindow, PastEvent
from milepost.contacts.profile import Consent, EventTotal, Profile
from milepost.contacts.recent_marketing import add_send, send_key
from milepost.enrollments.enrollment import ResumePoint
from milepost.enrollments.program import Program
from milepost.sending.gate import (
    DEFER_JITTER,
    MAX_DEFERRAL,
    Cap,
    Defer,
    FrequencyLimits,
    GateInput,
    Send,
    Skip,
    conditions_needed,
    decide_send,
)
from milepost.sending.quiet_hours import SendingHours
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


def gate_input(**changes: Any) -> GateInput:
    """The input of a message that may go, with some changes."""
    known = changes.pop("profile", profile())
    made = GateInput(
        profile=known,
        enrollment=enrollment(),
        program=program(),
        facts=EvaluationContext(now=NOW, contact=known.as_data(), consent=known.consents()),
        category="marketing",
        topic="offers",
    )
    return made._replace(**changes)


def skipped(**changes: Any) -> Skip:
    decision = decide_send(gate_input(**changes))
    assert isinstance(decision, Skip)
    return decision


def test_message_without_objection_is_sent_with_numbers() -> None:
    assert decide_send(gate_input()) == Send(
        {"category": "marketing", "consented_at": "2026-10-24T12:00:00.000Z"}
    )


@pytest.mark.parametrize("status", ["completed", "exited", "failed"])
def test_ended_enrollment_skips_message(status: Any) -> None:
    ended = enrollment(status=status, reason="came back")
    assert skipped(enrollment=ended) == Skip(
        f"enrollment is {status}: came back", exits_enrollment=True
    )


def test_paused_store_skips_message() -> None:
    assert skipped(store_paused=True) == Skip("store is paused")


def test_paused_workflow_skips_message() -> None:
    assert skipped(workflow_paused=True) == Skip("workflow is paused")


@pytest.mark.parametrize("fields", [{}, {"email": ("", "x", "y")}, {"email": (7, "x", "y")}])
def test_contact_without_address_skips_message(fields: Json) -> None:
    assert skipped(profile=profile(fields=fields)) == Skip("contact has no e-mail address")


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@mail.example",
        "ada@",
        "ada@example",
        "ada@mail@mail.example",
        "a b@mail.example",
        "ada@mail.example, bo@mail.example",
        "<ada@mail.example>",
        "ada@mail.example\n",
        "ad\u00e4@mail.example",
        "7@deleted.invalid",
        "root@shop.localhost",
        "ada@.",
        "a;b@mail.example",
        "a" * 242 + "@mail.example",
    ],
)
def test_undeliverable_address_skips_message(address: str) -> None:
    fields = {"email": (address, "x", "y")}
    assert skipped(profile=profile(fields=fields)) == Skip("address cannot be mailed")


@pytest.mark.parametrize(
    "address",
    ["o'brien+x@mail.example", "success@simulator.amazonses.com", "a" * 241 + "@mail.example"],
)
def test_unusual_address_is_accepted(address: str) -> None:
    known = profile(fields={"email": (address, "x", "y")})
    assert isinstance(decide_send(gate_input(profile=known)), Send)


def test_marketing_without_topic_is_skipped() -> None:
    assert skipped(topic=None) == Skip("marketing message without a topic")
    assert skipped(topic="") == Skip("marketing message without a topic")


def test_marketing_without_consent_is_skipped() -> None:
    assert skipped(profile=profile(consent={})) == Skip("no consent", {"topic": "offers"})
    assert skipped(profile=profile(consent={"news": YES})).reason == "no consent"


def test_marketing_after_withdrawn_consent_is_skipped() -> None:
    assert skipped(profile=profile(consent={"offers": NO})) == Skip(
        "consent withdrawn",
        {"topic": "offers", "at": "2026-10-31T12:00:00.000Z", "by": "one-click"},
    )


def test_transactional_message_needs_no_consent() -> None:
    for consent in ({}, {"offers": NO}):
        receipt = gate_input(category="transactional", topic=None, profile=profile(consent=consent))
        assert decide_send(receipt) == Send({"category": "transactional"})


def test_contact_outside_audience_skips_message() -> None:
    audience = program(audience={"contact": "country", "is": "NO"})
    assert skipped(program=audience) == Skip("audience", {"why": "contact.country is missing"})
    assert skipped(program=audience, category="transactional", topic=None).reason == "audience"
    fields = {**profile().fields, "country": ("NO", "x", "y")}
    assert isinstance(
        decide_send(gate_input(program=audience, profile=profile(fields=fields))), Send
    )


def order_completed(minutes: int) -> Json:
    """An order was completed this many minutes after the entry."""
    at = MONDAY_NOON + timedelta(minutes=minutes)
    return {"profile": profile(totals={"Order Completed": EventTotal(1, at, at)})}


EXIT_RULES = [
    ({"goal": {"event": "Order Completed", "within": "1 day"}}, "goal reached"),
    ({"exit_on": [{"event": "Order Completed"}]}, "exit on Order Completed"),
]


@pytest.mark.parametrize(("head", "reason"), EXIT_RULES)
def test_exit_event_after_entry_skips_message(head: Json, reason: str) -> None:
    """`react` may not have ended the enrollment yet."""
    assert skipped(program=program(**head), **order_completed(1)) == Skip(
        reason, {"at": "2026-11-02T12:01:00.000Z"}, exits_enrollment=True
    )


@pytest.mark.parametrize(("head", "reason"), EXIT_RULES)
@pytest.mark.parametrize("minutes", [0, -1])
def test_exit_event_before_entry_is_ignored(head: Json, reason: str, minutes: int) -> None:
    assert reason
    assert isinstance(
        decide_send(gate_input(program=program(**head), **order_completed(minutes))), Send
    )


def test_goal_outside_its_window_is_ignored() -> None:
    goal = program(goal={"event": "Order Completed", "within": "1 hour"})
    assert isinstance(decide_send(gate_input(program=goal, **order_completed(61))), Send)
    assert skipped(program=goal, **order_completed(60)).exits_enrollment


def test_exit_rule_with_condition_evaluates_events() -> None:
    head = {"exit_on": [{"event": "Order Completed", "where": {"event": "total", "gte": 20}}]}
    window = EventWindow("Order Completed", MONDAY_NOON)

    def context_with(total: int) -> EvaluationContext:
        happened = [PastEvent(MONDAY_NOON + timedelta(minutes=1), {"total": total})]
        return EvaluationContext(now=NOW, entered_at=MONDAY_NOON, windows={window: happened})

    small = gate_input(program=program(**head), facts=context_with(19), **order_completed(1))
    assert isinstance(decide_send(small), Send)
    assert skipped(
        program=program(**head), facts=context_with(20), **order_completed(1)
    ).exits_enrollment


def test_conditions_needed_lists_audience_and_exit_conditions() -> None:
    where = {"event": "total", "gte": 20}
    audience = {"did": "Product Viewed", "within": "1 day"}
    head = {
        "audience": audience,
        "goal": {"event": "Order Completed", "within": "5 days"},
        "exit_on": [{"event": "Order Completed", "where": where}],
    }
    assert list(conditions_needed(program(**head))) == [
        audience,
        {"did": "Order Completed", "since": "enrollment", "where": where},
    ]
    assert list(conditions_needed(program())) == []


def test_ended_enrollment_is_the_first_reason() -> None:
    ended = enrollment(status="exited", reason="goal reached")
    everything = {"enrollment": ended, "store_paused": True, "topic": None}
    assert skipped(profile=profile(fields={}, consent={}), **everything).exits_enrollment


def test_only_final_reasons_exit_enrollment() -> None:
    """A pause can end and a consent can be granted, so the enrollment continues."""
    for changes in OBJECTIONS[1:-1]:
        assert not skipped(**changes).exits_enrollment
    for changes in (OBJECTIONS[0], OBJECTIONS[-1]):
        assert skipped(**changes).exits_enrollment


OBJECTIONS: list[Json] = [
    {"enrollment": enrollment(status="exited")},
    {"store_paused": True},
    {"workflow_paused": True},
    {"profile": profile(fields={})},
    {"topic": None},
    {"profile": profile(consent={})},
    {"profile": profile(consent={"offers": NO})},
    {"program": program(audience={"contact": "country", "is": "NO"})},
    {"program": program(exit_on=[{"event": "Order Completed"}]), **order_completed(1)},
]


@given(st.sets(st.integers(0, len(OBJECTIONS) - 1), min_size=1))
def test_any_set_of_objections_skips_message(chosen: set[int]) -> None:
    changes: Json = {}
    for number in chosen:
        changes |= OBJECTIONS[number]
    assert isinstance(decide_send(gate_input(**changes)), Skip)


def snoozed(until: Any) -> Profile:
    known = profile()
    return replace(known, fields={**known.fields, "snoozed_until": (until, "", "")})


def test_snooze_skips_marketing_until_its_end() -> None:
    later = "2026-11-03T12:00:00.001Z"
    found = skipped(profile=snoozed(later))
    assert (found.reason, found.numbers) == ("snoozed", {"until": later})
    assert not found.exits_enrollment
    order = gate_input(profile=snoozed(later), category="transactional", topic=None)
    assert isinstance(decide_send(order), Send)


@pytest.mark.parametrize(
    "until", ["2026-11-03T12:00:00.000Z", "2020-01-01T00:00:00Z", "soon", None, 7, "", ["x"]]
)
def test_ended_or_invalid_snooze_is_ignored(until: Any) -> None:
    assert isinstance(decide_send(gate_input(profile=snoozed(until))), Send)


# --- what stands against a message for a time ---

UTC_ZONE = ZoneInfo("UTC")
NIGHT = SendingHours(UTC_ZONE, UTC_ZONE, (time(21), time(8)))
ONE_A_DAY = FrequencyLimits(UTC_ZONE, (Cap("cap per day", 1, 1),))
EVENING = NOW + timedelta(hours=10)
MORNING = NOW + timedelta(hours=20)
OWN = "c-1-" + "a" * 24


def at(now: datetime, **changes: Any) -> GateInput:
    """The same message at another time."""
    candidate = gate_input(message=OWN, **changes)
    return candidate._replace(facts=replace(candidate.facts, now=now))


def after(*times: datetime, own: bool = False) -> Profile:
    """A contact who got marketing at these times; with `own`, the last one is this message."""
    mailed = {f"m-{number}": when for number, when in enumerate(times)}
    if own:
        mailed[send_key(OWN)] = mailed.pop(f"m-{len(times) - 1}")
    return profile(recent_sends=mailed)


def deferred(candidate: GateInput) -> Defer:
    decision = decide_send(candidate)
    assert isinstance(decision, Defer), decision
    return decision


def test_quiet_hours_defer_marketing_until_their_end() -> None:
    found = deferred(at(EVENING, hours=NIGHT))
    assert found.reason == "quiet hours"
    assert MORNING <= found.until <= MORNING + DEFER_JITTER
    assert found.numbers["why"] == "quiet hours"
    assert isinstance(decide_send(at(MORNING, hours=NIGHT)), Send)


def test_caps_are_checked_after_quiet_hours() -> None:
    got_one = after(NOW)
    candidate = deferred(at(EVENING, hours=NIGHT, limits=ONE_A_DAY, profile=got_one))
    assert (candidate.reason, candidate.until < MORNING + DEFER_JITTER) == (
        "quiet hours",
        True,
    )
    morning = at(MORNING, hours=NIGHT, limits=ONE_A_DAY, profile=got_one)
    assert isinstance(decide_send(morning), Send)


def test_messages_deferred_to_same_instant_are_spread() -> None:
    candidate = at(EVENING, hours=NIGHT)
    times = {deferred(candidate._replace(message=f"{n}")).until for n in range(100)}
    assert len(times) > 60
    assert max(times) - min(times) > DEFER_JITTER / 2
    assert deferred(candidate) == deferred(candidate)


def test_spread_does_not_miss_short_sending_window() -> None:
    """Marketing may go from 8:00 to 8:01 only."""
    open_for_a_minute = SendingHours(UTC_ZONE, UTC_ZONE, (time(8, 1), time(8)))
    for number in range(50):
        candidate = at(EVENING, hours=open_for_a_minute)._replace(message=f"{number}")
        found = deferred(candidate)
        assert isinstance(decide_send(at(found.until, hours=open_for_a_minute)), Send)


def test_transactional_message_ignores_quiet_hours_and_caps() -> None:
    for changes in ({"hours": NIGHT}, {"limits": ONE_A_DAY, "profile": after(EVENING)}):
        candidate = at(EVENING, category="transactional", topic=None, **changes)
        assert isinstance(decide_send(candidate), Send)


def test_message_over_cap_is_skipped_with_counts() -> None:
    decision = decide_send(at(EVENING, limits=ONE_A_DAY, profile=after(NOW)))
    assert decision == Skip("cap per day", {"cap per day": "1 of 1"})


def test_message_over_cap_is_deferred_with_on_cap_defer() -> None:
    candidate = at(EVENING, limits=ONE_A_DAY, profile=after(NOW), may_wait=True)
    midnight = (NOW + timedelta(days=1)).replace(hour=0)
    found = deferred(candidate)
    assert (found.reason, found.numbers["cap per day"]) == ("cap per day", "1 of 1")
    assert midnight <= found.until <= midnight + DEFER_JITTER
    both = deferred(candidate._replace(hours=NIGHT))
    assert (both.reason, both.until.hour) == ("cap per day", 8)


def test_message_does_not_count_against_itself() -> None:
    """The block run is repeated, or SES has throttled the message."""
    for times, decision in (((NOW,), Send), ((NOW, NOW), Skip)):
        candidate = at(EVENING, limits=ONE_A_DAY, profile=after(*times, own=True))
        assert isinstance(decide_send(candidate), decision)


def test_sent_message_has_counts_and_reason_of_deferral() -> None:
    start = ResumePoint("b", 0, MORNING, NOW, deferred="mail: quiet hours", deferred_since=EVENING)
    decision = decide_send(at(MORNING, limits=ONE_A_DAY, waited=start))
    assert decision == Send(
        {
            "category": "marketing",
            "consented_at": "2026-10-24T12:00:00.000Z",
            "cap per day": "0 of 1",
            "deferred": "quiet hours",
            "deferred_since": "2026-11-03T22:00:00.000Z",
        }
    )


def test_message_that_would_expire_while_deferred_is_skipped() -> None:
    candidate = at(EVENING, hours=NIGHT, late=timedelta(hours=1), expires=timedelta(hours=11))
    decision = decide_send(candidate)
    assert isinstance(decision, Skip)
    assert (decision.reason, decision.numbers["why"]) == ("expired", "quiet hours")
    assert deferred(candidate._replace(expires=timedelta(hours=12)))


def test_total_deferral_of_more_than_a_week_is_skipped() -> None:
    weekly = FrequencyLimits(UTC_ZONE, (Cap("cap per week", 1, 7),))
    candidate = at(EVENING, limits=weekly, profile=after(EVENING), may_wait=True)
    assert deferred(candidate)
    start = ResumePoint(
        "b", 0, EVENING, NOW, deferred="mail: x", deferred_since=NOW - timedelta(days=1)
    )
    decision = decide_send(candidate._replace(waited=start))
    assert isinstance(decision, Skip)
    assert (decision.reason, decision.numbers["since"]) == (
        "deferred too long",
        "2026-11-02T12:00:00.000Z",
    )
    monthly = FrequencyLimits(UTC_ZONE, (Cap("reader wants monthly mail", 1, 30),))
    assert isinstance(decide_send(candidate._replace(limits=monthly)), Skip)


def test_final_reason_comes_before_temporary_reason() -> None:
    for changes in OBJECTIONS:
        known: Json = {"profile": after(NOW), **changes}
        decision = decide_send(at(EVENING, hours=NIGHT, limits=ONE_A_DAY, **known))
        assert isinstance(decision, Skip)
        assert decision.reason not in {"cap per day", "deferred too long"}


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))


@given(
    quiet=st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]),
    weekdays=st.sets(st.integers(0, 6), max_size=5),
    zone=st.sampled_from(["UTC", "Asia/Tehran", "America/New_York", "Pacific/Auckland"]),
    caps=st.tuples(st.integers(1, 3), st.integers(1, 9)),
    smart=st.integers(0, 40),
    due=st.lists(st.tuples(st.integers(0, 24 * 14), st.booleans()), max_size=25),
)
def test_random_messages_respect_quiet_hours_and_caps(
    quiet: tuple[time, time],
    weekdays: set[int],
    zone: str,
    caps: tuple[int, int],
    smart: int,
    due: list[tuple[int, bool]],
) -> None:
    """Messages come due at these hours; deferred ones come due again at their `until`."""
    own = ZoneInfo(zone)
    hours = SendingHours(own, UTC_ZONE, quiet, weekdays)
    both = (Cap("cap per day", caps[0], 1), Cap("cap per week", caps[1], 7))
    limits = FrequencyLimits(own, both, timedelta(hours=smart))
    waiting = [
        (NOW + timedelta(hours=hour), number, may_wait, NOW + timedelta(hours=hour))
        for number, (hour, may_wait) in enumerate(due)
    ]
    mailed: dict[str, datetime] = {}
    sent: list[datetime] = []
    while waiting:
        waiting.sort()
        now, number, may_wait, since = waiting.pop(0)
        candidate = at(now, profile=profile(recent_sends=mailed), hours=hours, limits=limits)
        start = ResumePoint("b", 0, now, now, deferred="x: y", deferred_since=since)
        message = f"{number:024}"
        decision = decide_send(candidate._replace(message=message, may_wait=may_wait, waited=start))
        if isinstance(decision, Send):
            mailed = add_send(mailed, message, now)
            sent.append(now)
        elif isinstance(decision, Defer):
            assert now < decision.until <= since + MAX_DEFERRAL
            waiting.append((decision.until, number, may_wait, since))
    days = [when.astimezone(own).date() for when in sent]
    for when, day in zip(sent, days, strict=True):
        wall = when.astimezone(own).time()
        begin, end = quiet
        assert not (begin <= wall < end if begin < end else wall >= begin or wall < end)
        assert when.weekday() not in weekdays
        assert days.count(day) <= caps[0]
        assert sum(timedelta(0) <= day - each < timedelta(days=7) for each in days) <= caps[1]
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert all(gap >= timedelta(hours=smart) for gap in gaps)
