"""The contract of enrollments in both stores, with the matching of waits and events."""

from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from milepost.aws import keys
from milepost.base.names import EnrollmentRef
from milepost.contacts.profile import Profile
from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments
from milepost.enrollments.ports import PendingOutcomes
from tests.support.builders import MONDAY_NOON, STORE, contact, enrollment, enrollment_ref, event
from tests.support.ports import Cloud, Ports, dynamo_ports

MINUTE = timedelta(minutes=1)
CLICK = event("Email Clicked", {"link": "https://shop.example/cart"}, at=MONDAY_NOON + MINUTE)
STEP = "answer"


def outcomes(ports: Ports, ref: EnrollmentRef) -> dict[str, object]:
    loaded = ports.enrollments.load(ref)
    assert loaded is not None
    return dict(loaded[1].outcomes)


def status(ports: Ports) -> tuple[str, str]:
    loaded = ports.enrollments.load(enrollment_ref())
    assert loaded is not None
    return loaded[1].status, loaded[1].reason


def test_second_enrollment_with_same_id_is_refused(ports: Ports) -> None:
    assert ports.enrollments.enroll(enrollment())
    assert not ports.enrollments.enroll(enrollment(event_id="another", event_data={"total": 9}))
    loaded = ports.enrollments.load(enrollment_ref())
    assert loaded is not None
    assert loaded[1] == enrollment()


def test_event_with_same_key_keeps_first_trigger_data(ports: Ports) -> None:
    first = enrollment(key="c-1", event_data={"total": 150, "products": [{"name": "Mug"}]})
    ports.enrollments.enroll(first)
    ports.enrollments.enroll(replace(first, event_id="evt-2", event_data={"total": 9}))
    loaded = ports.enrollments.load(enrollment_ref())
    assert loaded is not None
    assert (loaded[1].event_id, loaded[1].event_data) == ("evt-1", first.event_data)


def test_trigger_data_of_interrupted_attempt_is_replaced(aws: Cloud) -> None:
    """DynamoDB stores the data of the event in its own item, which is written first."""
    enrollments = dynamo_ports(aws).enrollments
    assert isinstance(enrollments, DynamoEnrollments)
    enrollments.enroll(enrollment(event_data={"total": 9}))
    enrollments.table.delete(keys.enrollment(enrollment_ref()))
    assert enrollments.enroll(enrollment())
    loaded = enrollments.load(enrollment_ref())
    assert loaded is not None
    assert loaded[1] == enrollment()


def test_unknown_enrollment_loads_as_none(ports: Ports) -> None:
    assert ports.enrollments.load(enrollment_ref()) is None


def test_load_returns_profile_and_enrollment(ports: Ports) -> None:
    profile = Profile(STORE, contact(), last_sequence=7)
    ports.contacts.apply(None, profile)
    ports.enrollments.enroll(enrollment(key="c-1", event_data={"total": 1.5, "products": [{}]}))
    loaded = ports.enrollments.load(enrollment_ref(version=9))
    assert loaded is not None
    assert loaded[0] == profile
    assert loaded[1] == enrollment(key="c-1", event_data={"total": 1.5, "products": [{}]})


def test_second_outcome_of_same_visit_is_ignored(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    first = PendingOutcomes({"a": MONDAY_NOON}, {"x": {"path": "yes"}})
    second = PendingOutcomes(
        {"a": MONDAY_NOON + MINUTE, "b": datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC)},
        {"x": {"path": None}, "y": {"path": "no", "why": "it is\nso"}},
    )
    for journal in (PendingOutcomes(), first, second):
        ports.enrollments.write(enrollment_ref(), journal)
    loaded = ports.enrollments.load(enrollment_ref())
    assert loaded is not None
    began = {"a": MONDAY_NOON, "b": datetime(2026, 1, 1, 0, 0, 0, 999_000, tzinfo=UTC)}
    assert loaded[1].block_started == began
    assert loaded[1].outcomes == {"x": {"path": "yes"}, "y": {"path": "no", "why": "it is\nso"}}


def test_enrollment_ends_once(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    assert ports.enrollments.finish(enrollment_ref(), "exited", "goal reached", MONDAY_NOON)
    assert not ports.enrollments.finish(enrollment_ref(), "completed", "", MONDAY_NOON)
    assert status(ports) == ("exited", "goal reached")


def test_ended_enrollment_leaves_profile_even_when_ended_twice(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    for _ in range(2):
        inside = {"e-1": enrollment().presence(), "e-2": enrollment().presence()}
        held = ports.contacts.profile(STORE, contact())
        before = held or Profile(STORE, contact())
        after = replace(before, last_sequence=before.last_sequence + 1, active_enrollments=inside)
        assert ports.contacts.apply(held, after)
        ports.enrollments.finish(enrollment_ref(), "completed", "", MONDAY_NOON)
        profile = ports.contacts.profile(STORE, contact())
        assert profile is not None
        assert list(profile.active_enrollments) == ["e-2"]


# --- the rendezvous ---

Side = Generator[None, None, None]


def the_event(ports: Ports, woken: list[str]) -> Side:
    """What `react` does: record the event, then resume the wait that it matched."""
    token = ports.enrollments.record_event(enrollment_ref(), STEP, CLICK)
    yield
    if token is not None:
        woken.append(str(token))


def the_wait(ports: Ports, woken: list[str]) -> Side:
    """What `await_event` does: register the task token, then resume if the event was first."""
    met = ports.enrollments.register_wait(enrollment_ref(), STEP, CLICK.name, "T", MONDAY_NOON)
    yield
    if met:
        woken.append("T")


INTERLEAVINGS = sorted({"".join(order) for order in permutations("EEWW")})
"""The six orders of the two actions of the event (E) and the two of the wait (W)."""


@pytest.mark.parametrize("order", INTERLEAVINGS)
def test_event_wakes_its_wait_once_in_every_interleaving(ports: Ports, order: str) -> None:
    ports.enrollments.enroll(enrollment())
    woken: list[str] = []
    sides = {"E": the_event(ports, woken), "W": the_wait(ports, woken)}
    for side in order:
        next(sides[side], None)
    assert woken == ["T"]


@pytest.mark.parametrize("first", ["event", "wait"])
def test_event_data_becomes_step_outcome_in_either_order(ports: Ports, first: str) -> None:
    ports.enrollments.enroll(enrollment())
    acts: list[Callable[[], object]] = [
        lambda: ports.enrollments.record_event(enrollment_ref(), STEP, CLICK),
        lambda: ports.enrollments.register_wait(
            enrollment_ref(), STEP, CLICK.name, "T", MONDAY_NOON
        ),
    ]
    for act in acts if first == "event" else reversed(acts):
        act()
    assert outcomes(ports, enrollment_ref()) == {
        STEP: {
            "event": "Email Clicked",
            "at": "2026-11-02T12:01:00.000Z",
            "data": {"link": "https://shop.example/cart"},
        }
    }


def test_event_before_the_wait_does_not_wake_it(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    later, ref = MONDAY_NOON + 2 * MINUTE, enrollment_ref()
    assert ports.enrollments.record_event(ref, STEP, CLICK) is None
    assert not ports.enrollments.register_wait(ref, STEP, CLICK.name, "T", later)
    assert ports.enrollments.record_event(ref, STEP, CLICK) is None
    assert outcomes(ports, ref) == {}


def test_event_at_first_instant_of_wait_wakes_it(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    ports.enrollments.register_wait(enrollment_ref(), STEP, CLICK.name, "T", CLICK.occurred_at)
    assert ports.enrollments.record_event(enrollment_ref(), STEP, CLICK) == "T"


def test_late_old_event_does_not_hide_newer_one(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    ref, old = enrollment_ref(), event(CLICK.name, at=MONDAY_NOON - MINUTE)
    ports.enrollments.record_event(ref, STEP, CLICK)
    ports.enrollments.record_event(ref, STEP, old)
    assert ports.enrollments.register_wait(ref, STEP, CLICK.name, "T", MONDAY_NOON)


def test_retried_wait_finds_event_with_new_task_token(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    ref = enrollment_ref()
    ports.enrollments.register_wait(ref, STEP, CLICK.name, "first", MONDAY_NOON)
    assert ports.enrollments.record_event(ref, STEP, CLICK) == "first"
    assert ports.enrollments.register_wait(ref, STEP, CLICK.name, "second", MONDAY_NOON)


def test_first_matching_event_stays_the_outcome(ports: Ports) -> None:
    ports.enrollments.enroll(enrollment())
    ref = enrollment_ref()
    ports.enrollments.register_wait(ref, STEP, CLICK.name, "T", MONDAY_NOON)
    for minute in (1, 2):
        again = event(CLICK.name, {"minute": minute}, at=MONDAY_NOON + minute * MINUTE)
        ports.enrollments.record_event(ref, STEP, again)
    outcome = outcomes(ports, ref)[STEP]
    assert isinstance(outcome, dict)
    assert outcome["data"] == {"minute": 1}


def test_event_wakes_only_its_own_enrollment_and_step(
    ports: Ports,
) -> None:
    other = enrollment_ref("e-2")
    for ref in (enrollment_ref(), other):
        ports.enrollments.enroll(enrollment(ref))
    ports.enrollments.record_event(enrollment_ref(), STEP, CLICK)
    assert not ports.enrollments.register_wait(other, STEP, CLICK.name, "T", MONDAY_NOON)
    again = enrollment_ref()
    assert not ports.enrollments.register_wait(again, "another", CLICK.name, "T", MONDAY_NOON)
