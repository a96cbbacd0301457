"""The contract of `VisitorLimits`, in memory and in DynamoDB."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from milepost.pages.visitor_limits import DAY, HOUR, VisitCounter, counter
from tests.support.builders import ADA, MONDAY_NOON, STORE
from tests.support.ports import Ports


def counter_of(
    subject: str = ADA, store: str = STORE, minutes: float = 0, secret: str = "key"
) -> VisitCounter:
    now = MONDAY_NOON + timedelta(minutes=minutes)
    return counter(store, "form-address", subject, HOUR, now, secret)


def test_count_returns_new_value(ports: Ports) -> None:
    assert [ports.limits.count(counter_of()) for _ in range(3)] == [1, 2, 3]
    assert ports.limits.count(counter_of(), 10) == 13


def test_every_counter_is_separate(ports: Ports) -> None:
    ports.limits.count(counter_of())
    others = (counter_of("bo@mail.example"), counter_of(store="other"), counter_of(minutes=60))
    assert [ports.limits.count(each) for each in others] == [1, 1, 1]
    assert ports.limits.count(counter_of(minutes=59)) == 2


def test_window_ends_when_next_begins() -> None:
    assert counter_of().until == MONDAY_NOON + HOUR
    assert counter_of(minutes=59.9).key == counter_of().key
    day = counter(STORE, "form-ip", "203.0.113.9", DAY, MONDAY_NOON, "key")
    assert day.until == MONDAY_NOON + HOUR * 12


@given(st.text(max_size=40), st.text(min_size=1, max_size=40))
def test_counter_key_does_not_contain_subject(subject: str, secret: str) -> None:
    key = counter_of(subject, secret=secret.encode(errors="replace").decode()).key
    assert len(key) == len("form-address#") + 32
    assert counter_of(subject).key != counter_of(subject, secret="another").key
