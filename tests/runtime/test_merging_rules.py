"""The merging of two profiles: laws, and the decisions behind them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.contacts.event import Event
from milepost.contacts.profile import (
    MAX_FIELDS,
    MAX_TOPICS,
    ActiveEnrollment,
    Consent,
    EventTotal,
    Profile,
    apply_event,
)
from milepost.enrollments.entry import enrollment_id
from milepost.runtime.merging.rules import (
    MergeRequest,
    OpenEnrollment,
    Verdict,
    conflicting_identifiers,
    correct_totals,
    decide,
    duplicate_corrected_event,
    merge_profiles,
    merge_request_event,
    read_merge_request,
    stricter_consent,
    with_claimed_identifier,
)
from milepost.stores.settings import StoreSettings
from tests.support.builders import ADA, MONDAY_NOON, STORE, event
from tests.support.random_events import timelines

SETTINGS = StoreSettings(
    topics={"offers": "Offers", "news": "News"}, shop_topics=("offers", "news")
)


def applied(contact: str, events: list[Event]) -> Profile:
    return reduce(lambda p, e: apply_event(p, e, SETTINGS), events, Profile(STORE, contact))


def data(profile: Profile) -> Profile:
    """The parts of a profile that do not depend on the direction of the merge."""
    return replace(profile, contact="")


lives = st.lists(timelines, min_size=3, max_size=3).map(
    lambda three: [
        [replace(each, id=f"{number}-{each.id}") for each in events]
        for number, events in enumerate(three)
    ]
)
answers = st.builds(
    Consent,
    state=st.sampled_from(["granted", "withdrawn"]),
    at=st.integers(0, 3).map(lambda n: MONDAY_NOON + timedelta(hours=n)),
    method=st.sampled_from(["form", "shop"]),
    source=st.sampled_from(["footer", "checkout"]),
    weak=st.booleans(),
).filter(lambda c: not (c.weak and c.state == "withdrawn"))


@given(lives)
def test_merge_is_independent_of_direction_and_order(
    three: list[list[Event]],
) -> None:
    a, b, c = (applied(name, events) for name, events in zip("abc", three, strict=True))
    assert data(merge_profiles(a, b)) == data(merge_profiles(b, a))
    assert data(merge_profiles(merge_profiles(a, b), c)) == data(
        merge_profiles(a, merge_profiles(b, c))
    )


@given(timelines)
def test_merge_of_a_contact_with_itself_changes_nothing(events: list[Event]) -> None:
    alone = applied("a", events)
    assert merge_profiles(alone, alone) == alone


@given(lives)
def test_merged_profile_equals_profile_of_one_contact(three: list[list[Event]]) -> None:
    """Except for consent, where the stricter answer wins."""
    one, other, _ = three
    merged = merge_profiles(applied("a", one), applied("b", other))
    always = applied("a", [*one, *other])
    assert replace(merged, consent={}) == replace(always, consent={})
    for topic, consent in always.consent.items():
        held = merged.consent[topic]
        assert held.state in {consent.state, "withdrawn"}


@given(answers, answers, answers)
def test_stricter_consent_wins_in_any_order(a: Consent, b: Consent, c: Consent) -> None:
    assert stricter_consent(a, b) == stricter_consent(b, a)
    assert stricter_consent(a, stricter_consent(b, c)) == stricter_consent(
        stricter_consent(a, b), c
    )
    assert stricter_consent(a, a) == a


LATER = MONDAY_NOON + timedelta(hours=1)
NO = Consent("withdrawn", MONDAY_NOON, "form", "footer")


@pytest.mark.parametrize("weak", [True, False])
def test_withdrawal_of_one_contact_wins_over_later_grant_of_other(weak: bool) -> None:
    yes = Consent("granted", LATER, "form", "footer", weak)
    assert stricter_consent(yes, NO).state == "withdrawn"
    assert stricter_consent(yes, NO).at == (MONDAY_NOON if weak else LATER)


def test_consent_to_one_topic_does_not_affect_another() -> None:
    one, other = Profile(STORE, "a", consent={"news": NO}), Profile(STORE, "b", consent={})
    yes = Consent("granted", LATER, "form", "footer")
    merged = merge_profiles(one, replace(other, consent={"offers": yes}))
    assert merged.consents() == {"news": "withdrawn", "offers": "granted"}


# --- who merges into whom ---


def known(**identifiers: str) -> Profile:
    return Profile(
        STORE, "c", known_identifiers={kind: (value,) for kind, value in identifiers.items()}
    )


def ask(kind: Any, trusted: bool = True) -> MergeRequest:
    return MergeRequest("c-other", kind, "x", trusted, "2026-11-02T12:00:00.000Z", "1")


BO = known(email="bo@mail.example", external_id="8")
VISITOR = known(device="d-1")


@pytest.mark.parametrize(
    ("asked_one", "asking_one", "question", "verdict"),
    [
        (VISITOR, BO, ask("device"), "merge"),
        (VISITOR, BO, ask("device", trusted=False), "merge"),
        (VISITOR, known(cart="c-1"), ask("cart"), "merge"),
        (BO, VISITOR, ask("device"), "the other way"),
        (known(email=ADA), BO, ask("email"), "merge"),
        (known(email=ADA), BO, ask("phone"), "merge"),
        (known(email=ADA), BO, ask("email", trusted=False), "refuse"),
        (known(email=ADA, external_id="7"), BO, ask("phone"), "refuse"),
        (known(email=ADA, external_id="8"), BO, ask("phone"), "merge"),
        (known(email=ADA), BO, ask("device"), "lead"),
        (known(email=ADA), BO, ask("checkout"), "lead"),
        (known(email=ADA), BO, ask("order", trusted=False), "lead"),
    ],
)
def test_identified_contacts_merge_only_by_external_id_of_the_shop(
    asked_one: Profile, asking_one: Profile, question: MergeRequest, verdict: Verdict
) -> None:
    assert decide(asked_one, asking_one, question) == verdict


def test_merge_request_comes_back_unchanged_and_once() -> None:
    about = event(identifiers={"email": ADA, "device": "d-1"}, source="browser")
    question = merge_request_event("c-1", about, "device")
    assert read_merge_request(question) == MergeRequest(
        "c-1", "device", "d-1", False, "2026-11-02T12:00:00.000Z", about.id
    )
    assert question.identifiers == {}
    assert question.id == merge_request_event("c-1", about, "device").id
    assert question.id != merge_request_event("c-2", about, "device").id


def test_requested_identifier_is_kept_as_its_event_would_set_it() -> None:
    before = applied("a", [event(id_="0", at=MONDAY_NOON)])
    phone = MergeRequest("a", "phone", "+33612345678", True, "2026-11-02T13:00:00.000Z", "9")
    after = with_claimed_identifier(before, phone)
    assert after.fields["phone"] == ("+33612345678", "2026-11-02T13:00:00.000Z", "9")
    assert after.known_identifiers["phone"] == ("+33612345678",)
    assert with_claimed_identifier(after, phone) == after
    old = phone._replace(kind="email", value="old@mail.example", at="2020-01-01T00:00:00.000Z")
    assert with_claimed_identifier(before, old).email == ADA


# --- enrollments ---


def inside(contact: str, workflow: str, key: str = "") -> tuple[Profile, OpenEnrollment]:
    id_ = enrollment_id(STORE, workflow, contact, f"key {key}" if key else "evt-1")
    presence = ActiveEnrollment(workflow, 1, "evt-1", MONDAY_NOON, "arn:1")
    stay = OpenEnrollment(EnrollmentRef(STORE, contact, workflow, 1, id_), key, "evt-1")
    return Profile(STORE, contact, active_enrollments={id_: presence}), stay


def test_merged_contact_keeps_its_active_enrollments() -> None:
    winner, _ = inside("a", "welcome")
    loser, stay = inside("b", "cart", "k-1")
    assert conflicting_identifiers(winner, loser, [stay]) == set()
    merged = merge_profiles(winner, loser)
    assert merged.active_enrollments[stay.ref.id].ref(STORE, "a", stay.ref.id) == stay.ref
    further = merge_profiles(Profile(STORE, "z"), merged)
    assert further.active_enrollments[stay.ref.id].home == "b"


def test_merge_leaves_one_enrollment_in_a_workflow_without_key() -> None:
    winner, _ = inside("a", "welcome")
    loser, stay = inside("b", "welcome")
    assert conflicting_identifiers(winner, loser, [stay]) == {stay.ref.id}
    assert (
        merge_profiles(winner, loser, {stay.ref.id}).active_enrollments == winner.active_enrollments
    )


def test_merge_leaves_one_enrollment_for_each_key() -> None:
    winner, _ = inside("a", "cart", "k-1")
    for key, ends in (("k-1", True), ("k-2", False)):
        loser, stay = inside("b", "cart", key)
        assert bool(conflicting_identifiers(winner, loser, [stay])) == ends


def test_enrollment_from_an_earlier_merge_counts_as_active() -> None:
    third, _ = inside("c", "cart", "k-1")
    winner = merge_profiles(Profile(STORE, "a"), third)
    loser, stay = inside("b", "cart", "k-1")
    assert conflicting_identifiers(winner, loser, [stay]) == {stay.ref.id}


# --- totals ---


def test_event_counted_for_both_contacts_is_corrected_once() -> None:
    twice = event("Ordered", {"total": "20.5"})
    merged = merge_profiles(applied("a", [twice]), applied("b", [twice]))
    assert merged.totals["Ordered"].count == 2
    right = correct_totals(merged, duplicate_corrected_event(twice, "b"))
    assert right.totals == {"Ordered": EventTotal(1, MONDAY_NOON, MONDAY_NOON, Decimal("20.5"))}
    assert correct_totals(Profile(STORE, "z"), duplicate_corrected_event(twice, "b")).totals == {}


def test_merged_profile_stays_within_its_limits() -> None:
    def many(contact: str, first: int) -> Profile:
        named = [event(f"Event {n}", id_=str(n)) for n in range(first, first + 100)]
        profile = applied(contact, named)
        fields = {
            f"properties.{n}": (n, "2026-11-02T12:00:00.000Z", str(n))
            for n in range(first, first + 95)
        }
        return replace(profile, fields={**profile.fields, **fields})

    merged = merge_profiles(many("a", 0), many("b", 1000))
    assert len(merged.totals) == 101
    assert sum(total.count for total in merged.totals.values()) == 200
    assert sum(name.startswith("properties.") for name in merged.fields) == 100
    assert merged.email == ADA


# --- too much of two lives for one ---


def test_of_too_many_topics_of_two_people_no_withdrawal_is_forgotten() -> None:
    yes = Consent("granted", MONDAY_NOON, "form", "footer")
    no = yes._replace(state="withdrawn")
    one = Profile(STORE, "c1", consent={f"a{n:03}": yes for n in range(MAX_TOPICS)})
    other = Profile(STORE, "c2", consent={f"z{n:03}": no for n in range(10)})
    for merged in (merge_profiles(one, other), merge_profiles(other, one)):
        assert len(merged.consent) == MAX_TOPICS
        assert {topic for topic, held in merged.consent.items() if held == no} == set(other.consent)


def test_of_too_many_properties_of_two_people_the_newest_stay() -> None:
    def told(contact: str, prefix: str, days: int) -> Profile:
        at = times.format_instant(MONDAY_NOON + timedelta(days=days))
        fields = {f"properties.{prefix}{n:03}": (n, at, "e") for n in range(MAX_FIELDS - 10)}
        return Profile(STORE, contact, {"email": (ADA, "", ""), **fields})

    old, new = told("c1", "z", 0), told("c2", "a", 1)
    for merged in (merge_profiles(old, new), merge_profiles(new, old)):
        assert len(merged.fields) == MAX_FIELDS + 1  # the address is no property
        assert new.fields.keys() <= merged.fields.keys()
