"""A merge stores what the pure rule makes of both contacts as they are at that instant, or nothing.

Between the read and the transaction other processes write to either contact whatever they may:
withdrawals, claims and ends of enrollments do not wait for `react`. See
docs/decisions/0028-where-a-rule-stays-a-condition.md.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import NamedTuple

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from milepost.base.names import EnrollmentRef
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.profile import Consent, Profile, apply_event
from milepost.enrollments.ports import PendingOutcomes
from milepost.runtime.merging.rules import merge_profiles
from milepost.sending.message import Claimed
from milepost.stores.settings import StoreSettings
from tests.support.builders import ADA, MONDAY_NOON, consent_fact, draft, enrollment, event
from tests.support.laws import how_many
from tests.support.ports import Ports
from tests.support.random_events import events

SETTINGS = StoreSettings(shop_topics=("offers",))
LOSER, WINNER = "c-loser-0001", "c-winner-0002"
TOPICS = ("offers", "news")
HOUR = timedelta(hours=1)
stores = count(1)


class Write(NamedTuple):
    """What another process does to one of the contacts: `what` is the topic of a withdrawal, or
    "claim", "finish" (an enrollment) or "apply" (an event)."""

    contact: str
    what: str
    hour: int


writes = st.builds(
    Write,
    st.sampled_from([LOSER, WINNER]),
    st.sampled_from([*TOPICS, "claim", "claim", "finish", "apply"]),
    st.integers(-1, 2),
)
mails = st.lists(st.builds(Write, st.sampled_from([LOSER, WINNER]), st.just("claim"), st.just(0)))
answers = st.builds(
    Consent,
    st.sampled_from(["granted", "granted", "withdrawn"]),
    st.integers(0, 1).map(lambda hour: MONDAY_NOON + hour * HOUR),
    st.just("form"),
    st.just("footer"),
)
short = st.lists(events, max_size=2, unique_by=lambda each: (each.name, each.occurred_at, each.id))
consents_of_one = st.fixed_dictionaries({"offers": answers}, optional={"news": answers})

GRANTED = {"offers": Consent("granted", MONDAY_NOON, "form", "footer")}
BOTH_GRANTED: tuple[dict[str, Consent], ...] = (GRANTED, GRANTED)
NO_PAST: tuple[list[Event], ...] = ([], [])


class Two:
    """Two contacts of a store of their own, each inside a workflow."""

    def __init__(self, ports: Ports) -> None:
        self.ports, self.store, self.claims = ports, f"store-{next(stores)}", count(1)

    def enrollment(self, contact: str) -> EnrollmentRef:
        return EnrollmentRef(self.store, contact, f"flow-{contact}", 1, f"e-{contact}")

    def save(self, profile: Profile) -> None:
        own = enrollment(self.enrollment(profile.contact))
        known = replace(
            profile,
            fields={**profile.fields, "email": (ADA, "2026-11-02T12:00:00.000Z", "evt-1")},
            last_sequence=5,
            active_enrollments={own.ref.id: own.presence()},
        )
        assert self.ports.contacts.apply(None, known)
        assert self.ports.enrollments.enroll(own)

    def held(self, contact: str) -> Profile:
        found = self.ports.contacts.get_even_if_merged(self.store, contact)
        assert found is not None
        return found

    def write(self, write: Write) -> None:
        contact, what, hour = write
        at, held = MONDAY_NOON + hour * HOUR, self.held(write.contact)
        if what == "claim":
            message = draft(f"step-{next(self.claims)}", self.enrollment(contact))
            granted = held.consents().get("offers") == "granted"
            if granted and self.enrollment(contact).id in held.active_enrollments:
                message = replace(message, mailed=held.recent_sends)
                claimed = self.ports.ledger.claim(message, PendingOutcomes(), at)
                assert claimed == Claimed()
        elif what == "finish":
            self.ports.enrollments.finish(self.enrollment(contact), "completed", "", at)
        elif what == "apply":
            after = replace(held, last_sequence=held.last_sequence + 1)
            assert self.ports.contacts.apply(held, after)
        else:
            no = ContactUpdate(consents=(consent_fact(what, "withdrawn", at),))
            said = replace(event("Unsubscribed", contact=no), store=self.store)
            self.ports.contacts.withdraw(contact, said)

    def merge(self, loser: Profile, winner: Profile) -> bool:
        gone = Profile(
            self.store, LOSER, last_sequence=9, merged_into=WINNER, merging=True,
            known_identifiers=loser.known_identifiers,
        )  # fmt: skip
        topics = tuple(dict.fromkeys((*TOPICS, *loser.consent)))
        after = merge_profiles(winner, loser)
        return self.ports.merging.merge_profiles(loser, gone, winner, after, topics)


@settings(
    max_examples=how_many(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.tuples(short, short),
    st.tuples(consents_of_one, consents_of_one),
    mails.map(lambda all_: all_[:3]),
    st.lists(writes, min_size=1, max_size=2),
)
@example(NO_PAST, BOTH_GRANTED, [], [Write(LOSER, "claim", 0)])
@example(NO_PAST, BOTH_GRANTED, [], [Write(LOSER, "news", 0)])
@example(NO_PAST, BOTH_GRANTED, [], [Write(LOSER, "finish", 0)])
@example(NO_PAST, BOTH_GRANTED, [], [Write(WINNER, "offers", 1)])
@example(NO_PAST, BOTH_GRANTED, [], [Write(WINNER, "offers", -1)])
@example(NO_PAST, BOTH_GRANTED, [Write(LOSER, "claim", 0)], [Write(WINNER, "claim", 0)])
def test_a_merge_is_the_rule_of_both_as_they_are_then_or_changes_nothing(
    ports: Ports,
    pasts: tuple[list[Event], ...],
    consents: tuple[dict[str, Consent], ...],
    earlier: list[Write],
    meanwhile: list[Write],
) -> None:
    two = Two(ports)
    for contact, past, consent in zip((LOSER, WINNER), pasts, consents, strict=True):
        profile = Profile(two.store, contact)
        for each in past:
            profile = apply_event(profile, replace(each, store=two.store), SETTINGS)
        two.save(replace(profile, consent=consent))
    for write in earlier:
        two.write(write)
    loser, winner = two.held(LOSER), two.held(WINNER)
    for write in meanwhile:
        two.write(write)
    now = two.held(LOSER), two.held(WINNER)
    merged = two.merge(loser, winner)
    assert merged or now != (loser, winner)
    if not merged:
        assert (two.held(LOSER), two.held(WINNER)) == now
        assert two.merge(*now)
    assert two.held(WINNER) == merge_profiles(now[1], now[0])
    gone = two.held(LOSER)
    assert (gone.merged_into, gone.consent, gone.recent_sends) == (WINNER, {}, {})
