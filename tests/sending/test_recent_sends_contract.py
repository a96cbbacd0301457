"""DynamoDB holds the recent sends that the pure rules make of the same claims and removals.

The histories are random: claims on what was read some time before, removals repeated, crashes
before and after any request, and claims, removals and merges between two requests of a removal.
See docs/decisions/0028-where-a-rule-stays-a-condition.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from milepost.aws.table import ConditionFailedError, Table
from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import RecentSends, add_send, merge_sends, remove_send
from milepost.runtime.merging.dynamodb import DynamoMerging
from milepost.runtime.merging.rules import merge_profiles
from milepost.sending.dynamodb.ledger import recent_sends_operation, remove_recent_send
from milepost.sending.message import PendingMessage
from tests.support.builders import ADA, MONDAY_NOON, draft, enrollment_ref
from tests.support.interrupted import Crashed, crash, interrupted
from tests.support.laws import how_many
from tests.support.ledgers import GRANTED
from tests.support.ports import Cloud, Ports, dynamo_ports

HOUR = timedelta(hours=1)
CONTACTS = tuple(f"c-{n:04}" for n in range(4))
STEPS = ("a", "b", "c", "d")
quick = settings(
    max_examples=how_many(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Act(NamedTuple):
    """What one process does at an hour: claim a message that the gate decided on what was known
    `stale` acts ago, remove one (or only what its last or, if `stale`, its first claim added), or
    merge the contact into the next."""

    kind: Literal["claim", "remove", "merge"]
    step: str
    hour: float
    stale: int = 0
    remember: int = 10
    of_claim: bool = False


class Interruption(NamedTuple):
    """A crash before or after the n-th request of an act, or another act before it."""

    when: Literal["before", "after"]
    number: int
    other: Act | None


acts = st.builds(
    Act,
    st.sampled_from(["claim", "claim", "claim", "remove", "remove", "merge"]),
    st.sampled_from(STEPS),
    st.sampled_from([0, 1, 2, 3.0000001, 31 * 24 - 1, 31 * 24, 40 * 24]),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from([1, 2, 10]),
    st.booleans(),
)
interruptions = st.one_of(
    st.none(),
    st.builds(Interruption, st.sampled_from(["before", "after"]), st.integers(1, 3), st.none()),
    st.builds(Interruption, st.just("before"), st.integers(1, 3), acts),
)
histories = st.lists(st.tuples(acts, interruptions), min_size=2, max_size=8)


@pytest.fixture
def ports(aws: Cloud) -> Ports:
    return dynamo_ports(aws)


@dataclass
class Person:
    """Contacts of whom each may be merged into the next, and beside them what the rules say."""

    ports: Ports
    store: str

    def __post_init__(self) -> None:
        merging = self.ports.merging
        assert isinstance(merging, DynamoMerging)
        self.table = merging.table
        fields: Any = {"email": (ADA, "2026-11-02T12:00:00.000Z", "evt-1")}
        for number, contact in enumerate(CONTACTS):
            known = Profile(
                self.store, contact, fields, consent={"offers": GRANTED}, last_sequence=1
            )
            if number:
                own = {f"{number:012}": MONDAY_NOON + number * HOUR}
                known = replace(known, recent_sends=own)
            assert self.ports.contacts.apply(None, known)
        self.crashes = "before"
        self.now = 0  # which of the contacts it is
        self.expected: RecentSends = {}
        self.versions: list[RecentSends] = [{}]
        self.claimed: dict[str, list[datetime]] = {}

    def message(self, step: str) -> PendingMessage:
        """One of the first contact: it keeps its id when that is merged away."""
        ref = enrollment_ref()._replace(store=self.store, contact=CONTACTS[0])
        return draft(step, ref, owner=CONTACTS[self.now])

    def kept(self) -> RecentSends:
        found = self.ports.contacts.profile(self.store, CONTACTS[0])
        assert found is not None
        assert found.contact == CONTACTS[self.now]
        return found.recent_sends

    def act(self, act: Act, interruption: Interruption | None = None) -> None:
        """The act in DynamoDB and by the rules; a process that crashes does it again."""
        table, client = interrupted(self.table)
        if interruption is not None:
            when, number, other = interruption
            self.crashes = when
            plan = client.before if when == "before" else client.after
            plan[number] = crash if other is None else partial(self.act, other)
        try:
            self.do(act, table)
        except Crashed:
            self.do(act._replace(stale=0), self.table)
        assert self.kept() == self.expected

    def do(self, act: Act, table: Table) -> None:
        if act.kind == "claim":
            self.claim(act, table)
        elif act.kind == "remove":
            self.remove(act, table)
        elif self.now + 1 < len(CONTACTS):
            self.merge()
        self.versions.append(self.expected)

    def claim(self, act: Act, table: Table) -> None:
        """It succeeds if the gate has seen what is there, and the contact is still that one."""
        seen = self.versions[max(0, len(self.versions) - 1 - act.stale)]
        message = replace(self.message(act.step), mailed=seen, remember=act.remember)
        at = MONDAY_NOON + act.hour * HOUR
        crashed, done = False, True
        try:
            table.transact([recent_sends_operation(table, message, at)])
        except ConditionFailedError:
            done = False
        except Crashed:
            crashed = True
        allowed = seen == self.expected and message.owner == CONTACTS[self.now]
        assert crashed or done == allowed
        if allowed and not (crashed and self.crashes == "before"):
            self.expected = add_send(seen, message.ref.id, at, act.remember)
            self.claimed.setdefault(act.step, []).append(at)
        if crashed:
            self.versions.append(self.expected)
            raise Crashed

    def remove(self, act: Act, table: Table) -> None:
        message = self.message(act.step)
        claims = self.claimed.get(act.step, [MONDAY_NOON])
        claimed_at = claims[0 if act.stale else -1] if act.of_claim else None
        remove_recent_send(table, message.ref, CONTACTS[0], claimed_at)
        self.expected = remove_send(self.expected, message.ref.id, claimed_at)

    def merge(self) -> None:
        loser, winner = (
            self.ports.contacts.get_even_if_merged(self.store, CONTACTS[n])
            for n in (self.now, self.now + 1)
        )
        assert loser is not None
        assert winner is not None
        gone = Profile(
            self.store, loser.contact, last_sequence=2, merged_into=winner.contact, merging=True
        )
        after = merge_profiles(winner, loser)
        assert self.ports.merging.merge_profiles(loser, gone, winner, after, ["offers"])
        self.ports.merging.finish_merge(gone)
        self.expected = merge_sends(winner.recent_sends, self.expected)
        self.now += 1


stores = count(1)
REMOVE_FIRST = Act("remove", "a", 0, stale=1, of_claim=True)
CLAIM_AGAIN = Act("claim", "a", 1)


@quick
@given(histories)
@example([(Act("claim", "a", 0), None), (Act("claim", "a", 1), None), (REMOVE_FIRST, None)])
@example([(Act("claim", "a", 0), None), (REMOVE_FIRST, Interruption("before", 1, CLAIM_AGAIN))])
def test_interrupted_claims_and_removals_leave_what_the_rules_say(
    ports: Ports, history: list[tuple[Act, Interruption | None]]
) -> None:
    person = Person(ports, f"store-{next(stores)}")
    for act, interruption in history:
        person.act(act, interruption)
