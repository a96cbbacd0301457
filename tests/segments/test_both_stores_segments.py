"""Members, segments, scoring rules and backfill progress, in memory and in DynamoDB."""

from datetime import timedelta

import pytest

from milepost.base.names import ContactRef
from milepost.contacts.profile import Profile
from milepost.contacts.segment_state import EMPTY, MembershipChange, SegmentState
from milepost.runtime.ports import PartitionProgress
from milepost.segments.membership import apply_membership, new_segment
from milepost.segments.scoring import Rule, Scoring
from tests.support.builders import MONDAY_NOON, STORE, contact, event
from tests.support.ports import Ports

BOUGHT = {"did": "Order Completed", "within": "30 days"}
CONTACTS = [contact(f"{number}@mail.example") for number in range(25)]


def ref(name: str) -> ContactRef:
    return ContactRef(STORE, name)


def join_all(ports: Ports) -> None:
    for number, each in enumerate(CONTACTS):
        since = MONDAY_NOON + timedelta(minutes=number)
        ports.members.join(ref(each), "segment", "buyers", since)


def test_contact_is_member_from_join_until_leave(ports: Ports) -> None:
    join_all(ports)
    join_all(ports)
    assert ports.members.count(STORE, "segment", "buyers") == len(CONTACTS)
    ports.members.leave(ref(CONTACTS[0]), "segment", "buyers")
    ports.members.leave(ref(CONTACTS[0]), "segment", "buyers")
    page = ports.members.page(STORE, "segment", "buyers")
    assert sorted(member.contact for member in page.members) == sorted(CONTACTS[1:])
    assert ports.members.count(STORE, "list", "buyers") == 0
    assert ports.members.count("other", "segment", "buyers") == 0


@pytest.mark.parametrize("most", [1, 2, 100])
def test_partitions_list_each_member_once(ports: Ports, most: int) -> None:
    join_all(ports)
    seen: list[str] = []
    for part in range(ports.members.partition_count()):
        after = ""
        while True:
            page = ports.members.page_of(STORE, "segment", "buyers", part, after, most)
            seen += [member.contact for member in page.members]
            assert len(page.members) <= most
            after = page.next
            if not after:
                break
    assert sorted(seen) == sorted(CONTACTS)


def test_publish_replaces_only_expected_segment_version(ports: Ports) -> None:
    one = new_segment("Buyers", BOUGHT, False, 1)
    assert ports.publications.keep_segment(STORE, "buyers", 1, BOUGHT)
    assert ports.publications.keep_segment(STORE, "buyers", 1, BOUGHT)
    assert not ports.publications.keep_segment(STORE, "buyers", 1, {"did": "Other"})
    assert not ports.publications.show_segment(STORE, "buyers", one, 1)
    assert ports.publications.show_segment(STORE, "buyers", one, 0)
    assert not ports.publications.show_segment(STORE, "buyers", one._replace(version=2), 0)
    assert ports.registry.head(STORE).segments == {"buyers": one}
    assert ports.registry.segment(STORE, "buyers", 1) == BOUGHT
    archived = one._replace(status="archived")
    assert ports.publications.show_segment(STORE, "buyers", archived, 1)
    assert ports.publications.head(STORE).segments["buyers"] == archived
    with pytest.raises(LookupError):
        ports.registry.segment(STORE, "buyers", 9)


def test_scoring_rules_can_be_published_and_removed(ports: Ports) -> None:
    rules = (Rule("order", "Order Completed", 20, {"event": "total", "gte": 9}, 100),)
    scoring = Scoring(rules, period=60, least=0, stages=("lead", "customer"))
    ports.publications.apply_scoring(STORE, scoring.to_json())
    assert ports.registry.head(STORE).scoring == scoring
    ports.publications.apply_scoring(STORE, None)
    assert ports.registry.head(STORE).scoring is None


def test_segment_state_survives_a_round_trip(ports: Ports) -> None:
    cause = event(id_="o-1")
    state = apply_membership(EMPTY, "buyers", True, cause, MONDAY_NOON, initial=True)
    state = state._replace(
        next_changes={"buyers": MONDAY_NOON + timedelta(days=30)},
        points={"": {"0": 20}},
        score=20,
        stage="lead",
        stage_since=MONDAY_NOON,
        crossings=(*state.crossings, MembershipChange("lead", "stage", MONDAY_NOON, "o-1")),
    )
    profile = Profile(STORE, contact(), last_sequence=1, segment_state=state)
    assert ports.contacts.apply(None, profile)
    held = ports.contacts.profile(STORE, contact())
    assert held is not None
    assert held.segment_state == state
    assert held.segment_state.inside() == {"buyers"}
    assert SegmentState.from_json({}) == EMPTY


def test_backfill_progress_is_readable_by_partition(ports: Ports) -> None:
    assert ports.progress.looked(STORE, "segment/buyers") is None
    ports.progress.begin(STORE, "run-1", ["scoring", "segment/buyers"], 8, MONDAY_NOON)
    assert ports.progress.part(STORE, "run-1", "all##0") == PartitionProgress()
    ports.progress.note(STORE, "run-1", "all##0", PartitionProgress("here", 10, 2))
    ports.progress.note(STORE, "run-1", "all##1", PartitionProgress("", 5, 0, True))
    looked = ports.progress.looked(STORE, "segment/buyers")
    assert looked is not None
    assert (looked.run, looked.of) == ("run-1", 8)
    assert looked.parts == {
        "all##0": PartitionProgress("here", 10, 2),
        "all##1": PartitionProgress("", 5, 0, True),
    }
    assert ports.progress.looked(STORE, "segment/other") is None
