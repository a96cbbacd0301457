"""How one event changes a contact: order, repetition, consent, fields and totals."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event
from milepost.contacts.profile import (
    MAX_EVENT_NAMES,
    OTHER_EVENTS,
    Consent,
    EventTotal,
    Profile,
    apply_event,
    merge_consent,
)
from milepost.stores.settings import StoreSettings
from tests.support.builders import ADA, MONDAY_NOON, STORE, consent_fact, contact, event
from tests.support.json_strategy import documents

SETTINGS = StoreSettings(
    topics={"offers": "Offers", "news": "News"}, shop_topics=("offers", "news")
)
EMPTY_PROFILE = Profile(STORE, contact())


def after(*events: Event, start: Profile = EMPTY_PROFILE) -> Profile:
    return reduce(lambda profile, each: apply_event(profile, each, SETTINGS), events, start)


moments = st.integers(0, 5).map(lambda minutes: MONDAY_NOON + timedelta(minutes=minutes))
facts = st.builds(
    ConsentEvidence,
    state=st.sampled_from(["granted", "withdrawn"]),
    method=st.sampled_from(["form", "api", "import"]),
    source=st.sampled_from(["footer", "checkout"]),
    topic=st.sampled_from([None, "offers", "news"]),
    at=st.none() | moments,
)
contact_facts = st.builds(
    ContactUpdate,
    fields=st.fixed_dictionaries(
        {},
        optional={
            "first_name": st.sampled_from(["Ada", "Eva"]),
            "locale": st.sampled_from(["en", "fa"]),
        },
    ),
    properties=st.dictionaries(st.sampled_from(["vip", "size"]), st.integers(0, 3), max_size=2),
    consents=st.lists(facts, max_size=2).map(tuple),
)
amounts: st.SearchStrategy[Any] = (
    st.integers(-(10**14), 10**14)
    | st.floats(allow_nan=True)
    | st.decimals(allow_nan=True, allow_infinity=True).map(str)
    | st.sampled_from(["421.88", "", "many", None, True, [], "1e-9999999", "9" * 4000])
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Different events of one contact, some at the same instant."""
    return [
        Event(
            store=STORE,
            id=f"evt-{number}",
            name=draw(st.sampled_from(["Viewed", "Ordered"])),
            occurred_at=draw(moments),
            source=draw(st.sampled_from(["api", "form"])),
            identifiers=draw(
                st.sampled_from(
                    [
                        {"email": ADA},
                        {"email": "ada@work.example"},
                        {"device": "d-1"},
                        {"order": "o-1"},
                    ]
                )
            ),
            data={"total": draw(amounts)},
            contact=draw(contact_facts),
        )
        for number in range(draw(st.integers(0, 6)))
    ]


@given(histories(), st.randoms(use_true_random=False))
def test_profile_does_not_depend_on_event_order(events: list[Event], chance: Any) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert after(*shuffled) == after(*events)


@given(histories(), st.data())
def test_repeated_event_changes_only_event_totals(events: list[Event], data: st.DataObject) -> None:
    """The runtime counts it once, because the profile has the last applied stream position."""
    if events:
        again = data.draw(st.sampled_from(events))
        once, twice = after(*events), after(*events, again)
        assert (twice.fields, twice.consent, twice.known_identifiers) == (
            once.fields,
            once.consent,
            once.known_identifiers,
        )


@given(st.lists(facts, max_size=6), st.randoms(use_true_random=False))
def test_consent_does_not_depend_on_order_or_repetition(
    evidence: Sequence[ConsentEvidence], chance: Any
) -> None:
    def weighed(some: Sequence[ConsentEvidence]) -> Consent | None:
        held: Consent | None = None
        for fact in some:
            held = merge_consent(held, fact, MONDAY_NOON)
        return held

    shuffled = [*evidence, *evidence[:2]]
    chance.shuffle(shuffled)
    assert weighed(shuffled) == weighed(evidence)


# --- consent ---


def state(*given_: ConsentEvidence, seen_at: datetime = MONDAY_NOON) -> str | None:
    held: Consent | None = None
    for fact in given_:
        held = merge_consent(held, fact, seen_at)
    return held.state if held else None


def test_latest_consent_wins_and_withdrawal_wins_ties() -> None:
    yes, no = consent_fact(), consent_fact(state="withdrawn")
    later = MONDAY_NOON + timedelta(minutes=1)
    assert state(yes, no) == "withdrawn"
    assert state(no, yes) == "withdrawn"
    assert state(no, consent_fact(at=later)) == "granted"
    assert state(consent_fact(state="withdrawn", at=later), yes) == "withdrawn"


def test_undated_grant_does_not_undo_withdrawal() -> None:
    undated = consent_fact(at=None)
    assert state(undated) == "granted"
    assert state(consent_fact(state="withdrawn"), undated, undated) == "withdrawn"
    much_later = MONDAY_NOON + timedelta(days=999)
    assert state(consent_fact(state="withdrawn"), undated, seen_at=much_later) == "withdrawn"


def test_undated_withdrawal_takes_time_of_its_event() -> None:
    no = consent_fact(state="withdrawn", at=None)
    held = merge_consent(
        merge_consent(None, consent_fact(), MONDAY_NOON), no, MONDAY_NOON + timedelta(hours=1)
    )
    assert held is not None
    assert (held.state, held.at, held.weak) == (
        "withdrawn",
        MONDAY_NOON + timedelta(hours=1),
        False,
    )


def test_shop_marketing_consent_applies_to_shop_topics() -> None:
    marketing = event(contact=ContactUpdate(consents=(consent_fact(topic=None),)))
    assert after(marketing).consents() == {"offers": "granted", "news": "granted"}
    one = event(contact=ContactUpdate(consents=(consent_fact(topic="news"),)))
    assert after(one).consents() == {"news": "granted"}


@given(st.lists(facts, max_size=6), st.none() | moments)
def test_import_never_grants_consent(evidence: list[ConsentEvidence], at: datetime | None) -> None:
    """Wherever in a history its answers lie, they leave nobody more willing than without them."""
    asked = [fact for fact in evidence if fact.method != "import"]
    imported = ConsentEvidence("granted", "import", "contacts.csv", at=at)
    for place in range(len(evidence) + 1):
        told = [*evidence[:place], imported, *evidence[place:]]
        assert state(*told) == state(*evidence)
    assert state(*evidence) in {state(*asked), "withdrawn"}


def test_import_withdraws_consent_but_only_logs_a_grant() -> None:
    no = ConsentEvidence("withdrawn", "import", "contacts.csv", "offers", MONDAY_NOON)
    assert state(no._replace(state="granted")) is None
    assert state(consent_fact(), no) == "withdrawn"
    assert state(no, no._replace(state="granted", at=MONDAY_NOON + timedelta(1))) == "withdrawn"


# --- fields ---


def named(name: str | None, minutes: int, id_: str = "") -> Event:
    at = MONDAY_NOON + timedelta(minutes=minutes)
    return event(at=at, id_=id_, contact=ContactUpdate({"first_name": name} if name else {}))


def test_latest_field_value_wins_in_any_arrival_order() -> None:
    assert after(named("Ada", 2), named("Eva", 1)).get("first_name") == "Ada"
    assert after(named("Eva", 1), named("Ada", 2)).get("first_name") == "Ada"


def test_form_value_fills_blank_but_never_overrides_shop_value() -> None:
    """A visitor can write any name and any address into a form."""
    claimed = replace(named("Mallory", 5), source="form", identifiers={"email": "old@mail.example"})
    assert after(claimed).get("first_name") == "Mallory"
    assert after(claimed).email == "old@mail.example"
    for known in (after(claimed, named("Ada", 1)), after(named("Ada", 1), claimed)):
        assert (known.get("first_name"), known.email) == ("Ada", ADA)


def test_field_missing_from_event_keeps_its_value() -> None:
    assert after(named("Ada", 1), named(None, 2)).get("first_name") == "Ada"


def test_profile_as_data_is_plain_json() -> None:
    known = after(
        event(contact=ContactUpdate({"first_name": "Ada"}, {"size": {"eu": 42}, "a.b": 1}))
    )
    assert known.as_data() == {
        "first_name": "Ada",
        "email": ADA,
        "properties": {"size": {"eu": 42}, "a.b": 1},
    }
    assert EMPTY_PROFILE.as_data() == {"properties": {}}
    assert known.email == ADA
    assert EMPTY_PROFILE.email is None


def test_profile_keeps_personal_identifiers_but_not_order_ids() -> None:
    known = after(event(identifiers={"email": ADA, "device": "d-1", "order": "o-1", "cart": "c-1"}))
    assert known.known_identifiers == {"email": (ADA,), "device": ("d-1",)}


def test_profile_keeps_at_most_twenty_devices() -> None:
    many = [event(id_=str(n), identifiers={"device": f"d-{n:04d}"}) for n in range(50)]
    assert len(after(*many).known_identifiers["device"]) == 20
    assert after(*many).known_identifiers == after(*reversed(many)).known_identifiers


# --- totals ---


def test_totals_have_count_sum_first_and_last_time() -> None:
    first, last = MONDAY_NOON, MONDAY_NOON + timedelta(days=1)
    done = [
        event("Ordered", {"total": "421.88"}, at=last),
        event("Ordered", {"value": 10, "total": 99}, at=first),
        event("Ordered", {"total": "many"}, at=first, id_="x"),
    ]
    assert after(*done).totals == {"Ordered": EventTotal(3, first, last, Decimal("431.88"))}
    assert after(*done).metrics() == {"Ordered": {"count": 3, "last": "2026-11-03T12:00:00.000Z"}}


@given(st.dictionaries(st.sampled_from(["value", "revenue", "total"]), amounts | documents))
def test_any_amount_keeps_the_sum_finite_and_short(data: dict[str, Any]) -> None:
    """A profile over the size limit could never be written again."""
    total = after(event("Ordered", data)).totals["Ordered"]
    assert total.value.is_finite()
    assert len(str(total.value)) <= 21


def test_event_name_over_the_limit_counts_as_other_event() -> None:
    many = after(*(event(f"Event {n}") for n in range(MAX_EVENT_NAMES + 5)))
    assert len(many.totals) == MAX_EVENT_NAMES + 1
    assert many.totals[OTHER_EVENTS].count == 5
    assert after(event("Event 0", id_="again"), start=many).totals["Event 0"].count == 2


@pytest.mark.parametrize("at", [datetime(2026, 11, 2, 12, 0, 0, 999, tzinfo=UTC)])
def test_event_times_have_millisecond_precision(at: datetime) -> None:
    assert after(event("Ordered", at=at)).metrics()["Ordered"]["last"].endswith("00.000Z")


def test_of_two_answers_without_a_date_the_earlier_one_is_kept_whichever_comes_first() -> None:
    """Hypothesis seldom draws two of them: an answer without a date is as old as its event."""
    undated = consent_fact(at=None)
    later = MONDAY_NOON + timedelta(hours=1)
    first = merge_consent(merge_consent(None, undated, MONDAY_NOON), undated, later)
    last = merge_consent(merge_consent(None, undated, later), undated, MONDAY_NOON)
    assert first == last == Consent("granted", MONDAY_NOON, undated.method, undated.source, True)
