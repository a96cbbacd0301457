"""Recent marketing, the basis of caps: a message counts from its claim on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from milepost.aws.table import Item, Table
from milepost.base.errors import ThrottledError
from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import NO_SENDS, send_key
from milepost.runtime.dynamodb.timers import DynamoTimers
from milepost.runtime.merging.rules import merge_profiles
from milepost.sending.message import (
    Accepted,
    Claimed,
    NoResponse,
    PendingMessage,
    SubmissionRejected,
)
from tests.runtime.test_both_stores_merging import LOSER, TOPICS, stored_contact, tombstone
from tests.support.builders import MONDAY_NOON, STORE, contact, draft, event
from tests.support.ledgers import HOUR, NOTES, RECEIPT, claim, with_ada
from tests.support.ports import Cloud, Ports, dynamo_ports

THROTTLED = SubmissionRejected("Throttling", retry=True)
OTHER = draft("other")


@pytest.fixture
def ports(ports: Ports) -> Ports:
    return with_ada(ports)


def profile(ports: Ports) -> Profile:
    found = ports.contacts.profile(STORE, contact())
    assert found is not None
    return found


def recent_sends(ports: Ports) -> dict[str, datetime]:
    return dict(profile(ports).recent_sends)


def key(message: PendingMessage) -> str:
    return send_key(message.ref.id)


def test_claimed_marketing_counts_from_claim(ports: Ports) -> None:
    assert recent_sends(ports) == {}
    odd = MONDAY_NOON + timedelta(microseconds=1999)
    claim(ports, at=odd)
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON + timedelta(milliseconds=1)}
    claim(ports, OTHER, MONDAY_NOON + HOUR)
    assert recent_sends(ports)[key(OTHER)] == MONDAY_NOON + HOUR
    assert len(recent_sends(ports)) == 2


def test_transactional_message_does_not_count(ports: Ports) -> None:
    claim(ports, RECEIPT)
    assert recent_sends(ports) == {}


def test_only_one_of_two_concurrent_claims_succeeds(ports: Ports) -> None:
    for message in (draft(), draft("third")):
        seen = recent_sends(ports)
        assert claim(ports, message) == Claimed()
        with pytest.raises(ThrottledError, match="another mail"):
            ports.ledger.claim(replace(OTHER, mailed=seen), NOTES, MONDAY_NOON)
        assert ports.look.message(OTHER.ref) == {}
    assert claim(ports, OTHER) == Claimed()


def test_repeated_claim_counts_once_at_later_time(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, THROTTLED, MONDAY_NOON)
    claim(ports, at=MONDAY_NOON + HOUR)
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON + HOUR}


@pytest.mark.parametrize("answer", [Accepted("ses-1"), NoResponse("time-out"), THROTTLED])
def test_message_that_may_have_arrived_still_counts(ports: Ports, answer: object) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, answer, MONDAY_NOON)  # type: ignore[arg-type]
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON}


def test_rejected_message_no_longer_counts(ports: Ports) -> None:
    claim(ports)
    claim(ports, OTHER)
    ports.ledger.record_result(draft().ref, SubmissionRejected("MessageRejected"), MONDAY_NOON)
    assert recent_sends(ports) == {key(draft()): NO_SENDS, key(OTHER): MONDAY_NOON}
    assert claim(ports, draft("third")) == Claimed()


def test_skipped_message_no_longer_counts(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, THROTTLED, MONDAY_NOON)
    own = replace(draft(), mailed=recent_sends(ports))
    ports.ledger.record_skip(own, "skipped", "cap per day", NOTES, MONDAY_NOON)
    assert recent_sends(ports) == {key(draft()): NO_SENDS}
    assert claim(ports, OTHER) == Claimed()


def test_message_abandoned_while_throttled_no_longer_counts(ports: Ports) -> None:
    odd = MONDAY_NOON + timedelta(microseconds=1999)
    claim(ports, at=odd)
    ports.ledger.record_result(draft().ref, THROTTLED, MONDAY_NOON)
    assert ports.timers.give_up(draft().ref, MONDAY_NOON + 4 * HOUR)
    assert recent_sends(ports) == {key(draft()): NO_SENDS}
    claim(ports, at=MONDAY_NOON + 5 * HOUR)
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON + 5 * HOUR}


def test_message_abandoned_without_answer_still_counts(ports: Ports) -> None:
    claim(ports)
    assert ports.timers.give_up(draft().ref, MONDAY_NOON + HOUR)
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON}


def test_late_rejection_of_sent_message_changes_no_count(ports: Ports) -> None:
    claim(ports)
    ports.ledger.record_result(draft().ref, Accepted("ses-1"), MONDAY_NOON)
    own = replace(draft(), mailed=recent_sends(ports))
    ports.ledger.record_skip(own, "skipped", "cap per day", NOTES, MONDAY_NOON)
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON}


def test_event_of_contact_keeps_recent_sends(ports: Ports) -> None:
    before = profile(ports)
    claim(ports)
    assert ports.contacts.apply(before, replace(before, last_sequence=2))
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON}


def test_recent_sends_are_kept_as_far_as_caps_need(ports: Ports) -> None:
    for number in range(13):
        at = MONDAY_NOON + number * HOUR
        claim(ports, replace(draft(f"m-{number}"), remember=12), at)
    assert sorted(recent_sends(ports).values()) == [MONDAY_NOON + n * HOUR for n in range(1, 13)]
    claim(ports, draft("last"), MONDAY_NOON + 20 * HOUR)
    assert len(recent_sends(ports)) == 10
    claim(ports, draft("later"), MONDAY_NOON + timedelta(days=40))
    assert recent_sends(ports) == {key(draft("later")): MONDAY_NOON + timedelta(days=40)}


def test_merge_keeps_recent_sends_of_both_contacts_and_new_claims(ports: Ports) -> None:
    loser = stored_contact(ports, LOSER, event("Viewed"))
    stale = profile(ports)
    claim(ports)
    gone = tombstone(loser, contact())
    with_mail = replace(loser, recent_sends={"f" * 12: MONDAY_NOON})
    assert not ports.merging.merge_profiles(
        loser, gone, stale, merge_profiles(stale, with_mail), TOPICS
    )
    assert not ports.merging.merge_profiles(
        with_mail, gone, stale, merge_profiles(stale, with_mail), TOPICS
    )
    now = profile(ports)
    after = merge_profiles(now, replace(loser, recent_sends={"f" * 12: MONDAY_NOON}))
    assert ports.merging.merge_profiles(loser, gone, now, after, TOPICS)
    assert recent_sends(ports) == {key(draft()): MONDAY_NOON, "f" * 12: MONDAY_NOON}
    assert claim(ports, OTHER) == Claimed()


def test_merge_fails_if_loser_was_claimed_meanwhile(ports: Ports) -> None:
    stale = profile(ports)
    claim(ports)
    winner = stored_contact(ports, LOSER, event("Viewed"))
    gone = tombstone(stale, LOSER)
    assert not ports.merging.merge_profiles(
        stale, gone, winner, merge_profiles(winner, stale), TOPICS
    )


class ClaimedMeanwhile(Table):
    """A table in which a message is claimed anew just after it was given up."""

    def __init__(self, table: Table, claim_anew: Callable[[], object]) -> None:
        super().__init__(table._client, table.name)
        self.claim_anew: Callable[[], object] | None = claim_anew

    def update(self, key: Item, **change: Any) -> Item:
        item = super().update(key, **change)
        if "abandoned_at" in item and self.claim_anew is not None:
            claim_anew, self.claim_anew = self.claim_anew, None
            claim_anew()
        return item


def test_message_that_is_claimed_anew_while_it_is_given_up_still_counts(aws: Cloud) -> None:
    """Or a cap would let one mail more through."""
    ports = with_ada(dynamo_ports(aws))
    claim(ports)
    ports.ledger.record_result(draft().ref, THROTTLED, MONDAY_NOON)
    anew = MONDAY_NOON + 2 * HOUR
    assert isinstance(ports.timers, DynamoTimers)
    table = ClaimedMeanwhile(ports.timers.table, lambda: claim(ports, at=anew))
    assert DynamoTimers(table).give_up(draft().ref, anew - HOUR)
    assert table.claim_anew is None
    assert recent_sends(ports) == {key(draft()): anew}
