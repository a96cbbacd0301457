"""What one event does to a contact: laws about order and repetition, and a few plain cases."""

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
NOBODY = Profile(STORE, contact())


def after(*events: Event, start: Profile = NOBODY) -> Profile:
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
            identifiers=draw(st.sampled_from([
                {"email": ADA}, {"email": "ada@work.example"}, {"device": "d-1"}, {"order": "o-1"}
            ])),
            data={"total": draw(amounts)},
            contact=draw(contact_facts),
        )
        for number in range(draw(st.integers(0, 6)))
    ]  # fmt: skip


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_events_arrive_does_not_matter(events: list[Event], chance: Any) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert after(*shuffled) == after(*events)


@given(histories(), st.data())
def test_an_event_that_is_repeated_changes_nothing_but_how_often_it_was_counted(
    events: list[Event], data: st.DataObject
) -> None:
    """It is counted once because the profile knows how far the stream has been applied."""
    if events:
        again = data.draw(st.sampled_from(events))
        once, twice = after(*events), after(*events, again)
        assert (twice.fields, twice.consent, twice.known_identifiers) == (
            once.fields,
            once.consent,
            once.known_identifiers,
        )


@given(st.lists(facts, max_size=6), st.randoms(use_true_random=False))
def test_evidence_weighs_the_same_in_any_order_and_however_often(
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


def test_the_latest_answer_counts_and_no_wins_a_tie() -> None:
    yes, no = consent_fact(), consent_fact(state="withdrawn")
    later = MONDAY_NOON + timedelta(minutes=1)
    assert state(yes, no) == "withdrawn"
    assert state(no, yes) == "withdrawn"
    assert state(no, consent_fact(at=later)) == "granted"
    assert state(consent_fact(state="withdrawn", at=later), yes) == "withdrawn"


def test_a_box_that_a_shop_ticks_with_every_order_undoes_no_unsubscribe() -> None:
    undated = consent_fact(at=None)
    assert state(undated) == "granted"
    assert state(consent_fact(state="withdrawn"), undated, undated) == "withdrawn"
    much_later = MONDAY_NOON + timedelta(days=999)
    assert state(consent_fact(state="withdrawn"), undated, seen_at=much_later) == "withdrawn"


def test_a_no_without_a_date_is_dated_by_the_event_that_brought_it() -> None:
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


def test_what_the_shop_calls_marketing_stands_for_the_stores_topics() -> None:
    marketing = event(contact=ContactUpdate(consents=(consent_fact(topic=None),)))
    assert after(marketing).consents() == {"offers": "granted", "news": "granted"}
    one = event(contact=ContactUpdate(consents=(consent_fact(topic="news"),)))
    assert after(one).consents() == {"news": "granted"}


@given(st.lists(facts, max_size=6), st.none() | moments)
def test_no_import_ever_raises_consent(
    evidence: list[ConsentEvidence], at: datetime | None
) -> None:
    """Wherever in a history its answers lie, they leave nobody more willing than without them."""
    asked = [fact for fact in evidence if fact.method != "import"]
    imported = ConsentEvidence("granted", "import", "contacts.csv", at=at)
    for place in range(len(evidence) + 1):
        told = [*evidence[:place], imported, *evidence[place:]]
        assert state(*told) == state(*evidence)
    assert state(*evidence) in {state(*asked), "withdrawn"}


def test_an_import_lowers_consent_and_its_yes_is_no_more_than_a_line_in_the_log() -> None:
    no = ConsentEvidence("withdrawn", "import", "contacts.csv", "offers", MONDAY_NOON)
    assert state(no._replace(state="granted")) is None
    assert state(consent_fact(), no) == "withdrawn"
    assert state(no, no._replace(state="granted", at=MONDAY_NOON + timedelta(1))) == "withdrawn"


# --- fields ---


def named(name: str | None, minutes: int, id_: str = "") -> Event:
    at = MONDAY_NOON + timedelta(minutes=minutes)
    return event(at=at, id_=id_, contact=ContactUpdate({"first_name": name} if name else {}))


def test_the_latest_value_counts_whenever_it_arrives() -> None:
    assert after(named("Ada", 2), named("Eva", 1)).get("first_name") == "Ada"
    assert after(named("Eva", 1), named("Ada", 2)).get("first_name") == "Ada"


def test_what_a_form_claims_fills_a_blank_and_gives_way_to_what_is_known() -> None:
    """Anybody can write any name, and any address, into a form."""
    claimed = replace(named("Mallory", 5), source="form", identifiers={"email": "old@mail.example"})
    assert after(claimed).get("first_name") == "Mallory"
    assert after(claimed).email == "old@mail.example"
    for known in (after(claimed, named("Ada", 1)), after(named("Ada", 1), claimed)):
        assert (known.get("first_name"), known.email) == ("Ada", ADA)


def test_what_an_event_does_not_say_stays_as_it_was() -> None:
    assert after(named("Ada", 1), named(None, 2)).get("first_name") == "Ada"


def test_the_contact_is_plain_data_for_conditions_and_templates() -> None:
    known = after(
        event(contact=ContactUpdate({"first_name": "Ada"}, {"size": {"eu": 42}, "a.b": 1}))
    )
    assert known.as_data() == {
        "first_name": "Ada", "email": ADA, "properties": {"size": {"eu": 42}, "a.b": 1}
    }  # fmt: skip
    assert NOBODY.as_data() == {"properties": {}}
    assert known.email == ADA
    assert NOBODY.email is None


def test_identifiers_of_the_person_are_kept_and_those_of_an_order_are_not() -> None:
    known = after(event(identifiers={"email": ADA, "device": "d-1", "order": "o-1", "cart": "c-1"}))
    assert known.known_identifiers == {"email": (ADA,), "device": ("d-1",)}


def test_a_contact_seen_on_a_thousand_devices_keeps_twenty() -> None:
    many = [event(id_=str(n), identifiers={"device": f"d-{n:04d}"}) for n in range(50)]
    assert len(after(*many).known_identifiers["device"]) == 20
    assert after(*many).known_identifiers == after(*reversed(many)).known_identifiers


# --- totals ---


def test_totals_are_counts_and_sums_and_first_and_last_times() -> None:
    first, last = MONDAY_NOON, MONDAY_NOON + timedelta(days=1)
    done = [
        event("Ordered", {"total": "421.88"}, at=last),
        event("Ordered", {"value": 10, "total": 99}, at=first),
        event("Ordered", {"total": "many"}, at=first, id_="x"),
    ]
    assert after(*done).totals == {"Ordered": EventTotal(3, first, last, Decimal("431.88"))}
    assert after(*done).metrics() == {"Ordered": {"count": 3, "last": "2026-11-03T12:00:00.000Z"}}


@given(st.dictionaries(st.sampled_from(["value", "revenue", "total"]), amounts | documents))
def test_no_amount_makes_the_sum_fail_or_the_profile_grow(data: dict[str, Any]) -> None:
    """A profile that is too large to be written would never be written again."""
    total = after(event("Ordered", data)).totals["Ordered"]
    assert total.value.is_finite()
    assert len(str(total.value)) <= 21


def test_the_hundred_and_first_name_is_counted_among_the_others() -> None:
    many = after(*(event(f"Event {n}") for n in range(MAX_EVENT_NAMES + 5)))
    assert len(many.totals) == MAX_EVENT_NAMES + 1
    assert many.totals[OTHER_EVENTS].count == 5
    assert after(event("Event 0", id_="again"), start=many).totals["Event 0"].count == 2


@pytest.mark.parametrize("at", [datetime(2026, 11, 2, 12, 0, 0, 999, tzinfo=UTC)])
def test_times_are_kept_to_the_millisecond(at: datetime) -> None:
    assert after(event("Ordered", at=at)).metrics()["Ordered"]["last"].endswith("00.000Z")


def test_of_two_answers_without_a_date_the_earlier_one_is_kept_whichever_comes_first() -> None:
    """Hypothesis seldom draws two of them: an answer without a date is as old as its event."""
    undated = consent_fact(at=None)
    later = MONDAY_NOON + timedelta(hours=1)
    first = merge_consent(merge_consent(None, undated, MONDAY_NOON), undated, later)
    last = merge_consent(merge_consent(None, undated, later), undated, MONDAY_NOON)
    assert first == last == Consent("granted", MONDAY_NOON, undated.method, undated.source, True)
