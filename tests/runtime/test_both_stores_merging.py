"""The contract of merging in both stores."""

from dataclasses import replace
from datetime import timedelta

import pytest

from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
from milepost.conditions.context import EventWindow
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.ports import ReplayedEvent
from milepost.contacts.profile import Consent, Profile, apply_event
from milepost.enrollments.entry import enrollment_id
from milepost.enrollments.ports import PendingOutcomes
from milepost.runtime.merging.rules import (
    MERGED_INTO_OTHER,
    MergeRequest,
    duplicate_corrected_event,
    merge_profiles,
    merge_request_event,
)
from milepost.sending.message import Claimed
from milepost.stores.settings import StoreSettings
from tests.support.builders import ADA, MONDAY_NOON, STORE, consent_fact, draft, enrollment, event
from tests.support.ports import Ports

SETTINGS = StoreSettings(shop_topics=("offers",))
LOSER, WINNER, THIRD = "c-loser-0001", "c-winner-0002", "c-third-0003"
HOUR = timedelta(hours=1)
TOPICS = ("offers", "news")
OWN = EnrollmentRef(STORE, LOSER, "cart", 1, "e-loser")


def stored_contact(ports: Ports, contact: str, *events: Event, applied: int = 5) -> Profile:
    """A contact with these events, applied and on the timeline."""
    profile = Profile(STORE, contact)
    for each in events:
        profile = apply_event(profile, each, SETTINGS)
        ports.timeline.append(contact, each)
    profile = replace(profile, last_sequence=applied)
    assert ports.contacts.apply(None, profile)
    return profile


def tombstone(loser: Profile, winner: str = WINNER, position: int = 9) -> Profile:
    return Profile(
        STORE,
        loser.contact,
        known_identifiers=loser.known_identifiers,
        last_sequence=position,
        merged_into=winner,
        merging=True,
    )


def merge_both(ports: Ports, loser: Profile, winner: Profile) -> Profile:
    """Merge two contacts; the tombstone."""
    gone = tombstone(loser, winner.contact)
    after = replace(merge_profiles(winner, loser), moved_events=winner.moved_events + 1)
    assert ports.merging.merge_profiles(loser, gone, winner, after, TOPICS)
    return gone


def two_contacts(ports: Ports) -> tuple[Profile, Profile]:
    said = ContactUpdate(consents=(consent_fact(),))
    loser = stored_contact(
        ports, LOSER, event("Viewed", id_="1", contact=said), event("Viewed", id_="2")
    )
    return loser, stored_contact(ports, WINNER, event("Ordered", id_="3"))


# --- two profiles become one ---


def test_merge_changes_both_profiles_in_one_transaction(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    gone = merge_both(ports, loser, winner)
    held = ports.contacts.profile(STORE, WINNER)
    assert held == replace(merge_profiles(winner, loser), moved_events=1)
    assert ports.contacts.get_even_if_merged(STORE, LOSER) == gone


def test_merged_contact_id_resolves_to_its_winner(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    merge_both(ports, loser, winner)
    third = stored_contact(ports, THIRD, event("Seen"))
    ports.merging.finish_merge(tombstone(loser))
    between = ports.contacts.profile(STORE, WINNER)
    assert between is not None
    merge_both(ports, between, third)
    found = ports.contacts.profile(STORE, LOSER)
    assert found is not None
    assert (found.contact, sorted(found.totals)) == (THIRD, ["Ordered", "Seen", "Viewed"])


def test_contact_without_profile_can_be_either_side_of_a_merge(ports: Ports) -> None:
    loser, nobody = stored_contact(ports, LOSER, event("Viewed")), Profile(STORE, WINNER)
    merge_both(ports, loser, nobody)
    unknown = Profile(STORE, THIRD)
    winner = ports.contacts.profile(STORE, WINNER)
    assert winner is not None
    merge_both(ports, unknown, winner)
    found = ports.contacts.profile(STORE, THIRD)
    assert found is not None
    assert list(found.totals) == ["Viewed"]


@pytest.mark.parametrize("who", [LOSER, WINNER])
def test_merge_fails_when_either_profile_has_changed(ports: Ports, who: str) -> None:
    loser, winner = two_contacts(ports)
    stale = {LOSER: loser, WINNER: winner}[who]
    assert ports.contacts.apply(stale, replace(stale, last_sequence=6))
    gone = tombstone(loser)
    assert not ports.merging.merge_profiles(
        loser, gone, winner, merge_profiles(winner, loser), TOPICS
    )
    assert ports.contacts.get_even_if_merged(STORE, LOSER) != gone


@pytest.mark.parametrize("topic", ["offers", "news"])
def test_consent_withdrawn_during_the_merge_is_kept(ports: Ports, topic: str) -> None:
    loser, winner = two_contacts(ports)
    said = ContactUpdate(consents=(consent_fact(topic, "withdrawn", MONDAY_NOON + HOUR),))
    ports.contacts.withdraw(LOSER, event("Unsubscribed", contact=said))
    assert not ports.merging.merge_profiles(
        loser, tombstone(loser), winner, merge_profiles(winner, loser), TOPICS
    )


def test_enrollment_ended_during_merge_is_not_left_with_winner(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment(OWN))
    presence = enrollment(OWN).presence()
    loser = replace(Profile(STORE, LOSER), last_sequence=5, active_enrollments={OWN.id: presence})
    ports.contacts.apply(None, loser)
    winner = stored_contact(ports, WINNER, event("Ordered"))
    ports.enrollments.finish(OWN, "completed", "", MONDAY_NOON)
    assert not ports.merging.merge_profiles(
        loser, tombstone(loser), winner, merge_profiles(winner, loser), TOPICS
    )


def test_profile_write_based_on_state_before_merge_fails(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    merge_both(ports, loser, winner)
    assert not ports.contacts.apply(winner, replace(winner, last_sequence=6))
    assert not ports.contacts.apply(loser, replace(loser, last_sequence=6))
    assert not ports.contacts.apply(None, replace(loser, last_sequence=6))


def test_contact_receiving_a_merge_is_not_merged_away(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    gone = merge_both(ports, loser, winner)
    third = stored_contact(ports, THIRD, event("Seen"))
    held = ports.contacts.profile(STORE, WINNER)
    assert held is not None
    further = tombstone(held, THIRD)
    after = replace(merge_profiles(third, held), moved_events=1)
    assert not ports.merging.merge_profiles(held, further, third, after, TOPICS)
    ports.merging.finish_merge(gone)
    assert ports.merging.merge_profiles(held, further, third, after, TOPICS)


def test_two_contacts_can_be_merged_into_one_at_once(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    merge_both(ports, loser, winner)
    third = stored_contact(ports, THIRD, event("Seen"))
    held = ports.contacts.profile(STORE, WINNER)
    assert held is not None
    merge_both(ports, third, held)


def test_completed_merge_is_marked(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    gone = merge_both(ports, loser, winner)
    for _ in range(2):
        ports.merging.finish_merge(gone)
    assert ports.contacts.get_even_if_merged(STORE, LOSER) == replace(gone, merging=False)


# --- identifiers ---


def test_identifier_of_another_contact_is_reported(ports: Ports) -> None:
    assert (
        ports.contacts.claim_identifiers(LOSER, event(identifiers={"device": "d-1", "cart": "k-1"}))
        == {}
    )
    both = event(identifiers={"email": ADA, "device": "d-1"})
    for _ in range(2):
        assert ports.contacts.claim_identifiers(WINNER, both) == {"device": LOSER}
    assert ports.timeline.resolve(STORE, [{"email": ADA}, {"device": "d-1"}]) == [WINNER, LOSER]


def test_identifier_is_repointed_only_from_its_expected_contact(ports: Ports) -> None:
    ports.contacts.claim_identifiers(LOSER, event(identifiers={"device": "d-1"}))
    ports.contacts.repoint_identity(STORE, "device", "d-1", THIRD, WINNER)
    assert ports.timeline.resolve(STORE, [{"device": "d-1"}]) == [LOSER]
    ports.contacts.repoint_identity(STORE, "device", "d-1", LOSER, WINNER)
    assert ports.timeline.resolve(STORE, [{"device": "d-1"}]) == [WINNER]
    ports.contacts.repoint_identity(STORE, "device", "unknown", LOSER, WINNER)


def test_unverified_page_does_not_claim_a_second_identifier(ports: Ports) -> None:
    said = event(identifiers={"email": ADA, "external_id": "7"}, source="browser")
    ports.contacts.claim_identifiers(WINNER, said)
    assert ports.timeline.resolve(STORE, [{"external_id": "7"}]) != [WINNER]


# --- the timeline ---


def copy_all(ports: Ports, gone: Profile) -> list[Event]:
    """Copy the whole timeline; the events that the winner already had."""
    met, place = ports.merging.copy_timeline(gone, "")
    while place:
        more, place = ports.merging.copy_timeline(gone, place)
        met += more
    return met


def seen(ports: Ports, contact: str, name: str) -> int:
    return len(ports.timeline.past_events(STORE, contact, EventWindow(name, None)))


def test_winner_gets_both_timelines_and_consent_logs_stay(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    said = event("Viewed", id_="1", contact=ContactUpdate(consents=(consent_fact(),)))
    ports.contacts.record_consent(LOSER, said, ["offers"])
    gone = merge_both(ports, loser, winner)
    for _ in range(2):
        assert copy_all(ports, gone) == []
    assert (seen(ports, WINNER, "Viewed"), seen(ports, WINNER, "Ordered")) == (2, 1)
    assert seen(ports, LOSER, "Viewed") == 2
    assert ports.look.proofs() == [("offers", "granted")] * 2


def test_events_in_every_script_are_copied(ports: Ports) -> None:
    loser = stored_contact(
        ports, LOSER, *(event(name) for name in ("سفارش", "注文", "~", "Ordered"))
    )
    gone = merge_both(ports, loser, stored_contact(ports, WINNER, event("Seen")))
    copy_all(ports, gone)
    assert [seen(ports, WINNER, n) for n in ("سفارش", "注文", "~", "Ordered")] == [1, 1, 1, 1]


def test_long_timeline_is_copied_in_batches(ports: Ports) -> None:
    many = [event("Viewed", id_=f"{n:04d}") for n in range(450)]
    loser = stored_contact(ports, LOSER, *many)
    gone = merge_both(ports, loser, stored_contact(ports, WINNER, event("Seen")))
    ports.merging.copy_timeline(gone, "")
    assert copy_all(ports, gone) == []
    assert seen(ports, WINNER, "Viewed") == 450


def test_shared_events_are_reported_and_merge_requests_stay(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    twice = event("Viewed", id_="2")
    ports.timeline.append(WINNER, twice)
    ports.timeline.append(
        LOSER, merge_request_event(THIRD, event(identifiers={"email": ADA}), "email")
    )
    gone = merge_both(ports, loser, winner)
    for _ in range(2):
        assert copy_all(ports, gone) == [twice]
    assert seen(ports, WINNER, "Merge Requested") == 0


def test_late_event_is_uncounted_if_copied_or_reverted(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    late, reported_twice = event("Viewed", id_="late"), event("Viewed", id_="twice")
    for each in (late, reported_twice):
        ports.timeline.append(LOSER, each)
    ports.timeline.append(WINNER, reported_twice)
    gone = merge_both(ports, loser, winner)
    assert copy_all(ports, gone) == [reported_twice]
    assert ports.merging.undo_double_count(WINNER, late, LOSER)
    assert not ports.merging.undo_double_count(WINNER, late, THIRD)
    assert not ports.merging.undo_double_count(WINNER, reported_twice, LOSER)
    ports.timeline.append(WINNER, duplicate_corrected_event(reported_twice, LOSER))
    assert ports.merging.undo_double_count(WINNER, reported_twice, LOSER)


def test_event_is_reapplied_once_for_each_reason(ports: Ports) -> None:
    assert ports.merging.replay(WINNER, event(), ReplayedEvent("one"))
    assert not ports.merging.replay(WINNER, event(), ReplayedEvent("one"))
    assert ports.merging.replay(WINNER, event(), ReplayedEvent("two", follow=7))
    assert seen(ports, WINNER, event().name) == 0


def test_misrouted_event_leaves_timeline_with_the_profile_write(ports: Ports) -> None:
    held = stored_contact(ports, WINNER, event("Viewed", id_="1"), event("Viewed", id_="2"))
    after = replace(held, last_sequence=7, misrouted=(7, THIRD))
    assert ports.merging.move_misrouted(held, after, event("Viewed", id_="2"))
    assert ports.contacts.get_even_if_merged(STORE, WINNER) == after
    assert seen(ports, WINNER, "Viewed") == 1
    assert not ports.merging.move_misrouted(held, after, event("Viewed", id_="1"))
    assert seen(ports, WINNER, "Viewed") == 1


# --- enrollments and messages ---


def merged_with_enrollment(ports: Ports, key: str = "k-1") -> Profile:
    """Merge a loser with an active enrollment; the tombstone."""
    ports.enrollments.enroll(enrollment(OWN, key=key))
    said = ContactUpdate(consents=(consent_fact(),))
    mailed = apply_event(Profile(STORE, LOSER), event(contact=said), SETTINGS)
    loser = replace(
        mailed, last_sequence=5, active_enrollments={OWN.id: enrollment(OWN).presence()}
    )
    ports.contacts.apply(None, loser)
    ports.merging.reserve(STORE, LOSER, WINNER)
    return merge_both(
        ports, loser, stored_contact(ports, WINNER, event("Ordered", identifiers={"cart": "1"}))
    )


def test_winner_counts_the_entries_of_the_loser(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment(OWN, key="k-1"))
    unkeyed = OWN._replace(workflow="welcome", id="e-welcome")
    ports.enrollments.enroll(enrollment(unkeyed))
    for _ in range(2):
        stays = ports.merging.reserve(STORE, LOSER, WINNER)
        assert sorted((s.ref.id, s.key, s.event_id) for s in stays) == [
            ("e-loser", "k-1", "evt-1"),
            ("e-welcome", "", "evt-1"),
        ]
    for workflow, distinction in (("cart", "key k-1"), ("welcome", "evt-1")):
        id_ = enrollment_id(STORE, workflow, WINNER, distinction)
        loaded = ports.enrollments.load(EnrollmentRef(STORE, WINNER, workflow, 1, id_))
        assert loaded is not None
        assert (loaded[1].status, loaded[1].reason) == ("exited", MERGED_INTO_OTHER)
    assert [ref.contact for _, ref in ports.enrollments.list_active(STORE, "cart")] == [LOSER]
    # And so has whoever the winner becomes.
    again = ports.merging.reserve(STORE, WINNER, THIRD)
    assert sorted(stay.ref.id for stay in again) == ["e-loser", "e-welcome"]
    id_ = enrollment_id(STORE, "cart", THIRD, "key k-1")
    assert ports.enrollments.load(EnrollmentRef(STORE, THIRD, "cart", 1, id_)) is not None


def test_enrollment_of_loser_continues_with_profile_of_winner(ports: Ports) -> None:
    merged_with_enrollment(ports)
    loaded = ports.enrollments.load(OWN)
    assert loaded is not None
    profile, own = loaded
    assert (profile.contact, own.ref.contact, own.status) == (WINNER, LOSER, "active")
    assert profile.active_enrollments[OWN.id].ref(STORE, WINNER, OWN.id) == OWN
    ports.enrollments.index_migrated(OWN, 2)
    shown = ports.contacts.profile(STORE, LOSER)
    assert shown is not None
    assert shown.active_enrollments[OWN.id].version == 2
    assert ports.enrollments.finish(OWN, "completed", "", MONDAY_NOON)
    left = ports.contacts.profile(STORE, LOSER)
    assert left is not None
    assert left.active_enrollments == {}


def test_claim_uses_consent_and_address_of_the_winner(ports: Ports) -> None:
    merged_with_enrollment(ports)
    mine = draft("reminder", OWN)
    with pytest.raises(ThrottledError):  # whoever read the loser before the merge has to look again
        ports.ledger.claim(mine, PendingOutcomes(), MONDAY_NOON)
    owned = replace(mine, owner=WINNER)
    assert ports.ledger.claim(owned, PendingOutcomes(), MONDAY_NOON) == Claimed()
    no = ContactUpdate(consents=(consent_fact("offers", "withdrawn", MONDAY_NOON + HOUR),))
    ports.contacts.withdraw(WINNER, event("Unsubscribed", contact=no))
    refused = ports.ledger.claim(
        replace(draft("again", OWN), owner=WINNER), PendingOutcomes(), MONDAY_NOON
    )
    assert refused != Claimed()


def test_unsubscribe_under_the_old_id_reaches_the_winner(ports: Ports) -> None:
    loser, winner = two_contacts(ports)
    merge_both(ports, loser, winner)
    no = ContactUpdate(consents=(consent_fact("offers", "withdrawn", MONDAY_NOON + HOUR),))
    ports.contacts.withdraw(LOSER, event("Unsubscribed", contact=no))
    found = ports.contacts.profile(STORE, WINNER)
    assert found is not None
    assert found.consent["offers"] == Consent("withdrawn", MONDAY_NOON + HOUR, "form", "footer")
    assert seen(ports, WINNER, "Unsubscribed") == 1
    assert seen(ports, LOSER, "Unsubscribed") == 0


def test_merge_request_survives_storage(ports: Ports) -> None:
    question = merge_request_event(WINNER, event(identifiers={"email": ADA}), "email")
    ports.timeline.append(LOSER, question)
    (found,) = ports.timeline.past_events(STORE, LOSER, EventWindow("Merge Requested", None))
    assert MergeRequest(**found.data).into == WINNER
