from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.enrollments.enrollment import ResumePoint
from milepost.enrollments.pauses import (
    MAX_PAUSES,
    Pause,
    delay_for_pause,
    paused_time,
    pauses_from_json,
    pauses_to_json,
    reschedule_overdue,
    resume_after_pause,
    with_pause_state,
)
from tests.support.builders import MONDAY_NOON

HOUR = timedelta(hours=1)


def at(hours: int) -> ResumePoint:
    return ResumePoint("next", 2, MONDAY_NOON + hours * HOUR, MONDAY_NOON, "wait")


def pause(began: int, ended: int | None = None) -> Pause:
    return Pause(MONDAY_NOON + began * HOUR, None if ended is None else MONDAY_NOON + ended * HOUR)


@st.composite
def _pauses(draw: st.DrawFn) -> list[Pause]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=6))
    return [pause(began, began + length) for began, length in pairs]


@given(_pauses(), st.integers(0, 60), st.integers(0, 60))
def test_paused_time_is_the_hours_within_any_pause(
    pauses: list[Pause], first: int, length: int
) -> None:
    hours = [MONDAY_NOON + n * HOUR for n in range(first, first + length)]
    inside = [
        hour
        for hour in hours
        if any(p.began <= hour and p.ended and hour < p.ended for p in pauses)
    ]
    end = MONDAY_NOON + (first + length) * HOUR
    assert paused_time(pauses, MONDAY_NOON + first * HOUR, end) == len(inside) * HOUR


def test_open_pause_counts_until_now() -> None:
    assert paused_time([pause(2)], MONDAY_NOON, MONDAY_NOON + 5 * HOUR) == 3 * HOUR


def test_repeated_pause_or_resume_changes_nothing() -> None:
    told: tuple[Pause, ...] = ()
    for hour, paused in enumerate([False, True, True, False, False, True]):
        told = with_pause_state(told, paused, MONDAY_NOON + hour * HOUR)
    assert told == (pause(1, 3), pause(5))


def test_oldest_pauses_are_dropped_at_the_limit() -> None:
    told: tuple[Pause, ...] = ()
    for hour in range(0, 6 * MAX_PAUSES, 2):
        told = with_pause_state(told, True, MONDAY_NOON + hour * HOUR)
        told = with_pause_state(told, False, MONDAY_NOON + (hour + 1) * HOUR)
    assert len(told) == MAX_PAUSES
    assert told[-1] == pause(6 * MAX_PAUSES - 2, 6 * MAX_PAUSES - 1)


def test_enrollment_due_during_pause_keeps_its_remaining_time() -> None:
    held = delay_for_pause(at(5), [pause(3)], MONDAY_NOON + 5 * HOUR)
    assert held == at(5)
    over = resume_after_pause(held, [pause(3, 9)], MONDAY_NOON + 9 * HOUR)
    assert over.due == MONDAY_NOON + 11 * HOUR
    assert delay_for_pause(over, [pause(3, 9)], over.due) is None


def test_wait_over_a_pause_is_prolonged_by_it_once() -> None:
    held = delay_for_pause(at(20), [pause(3, 9)], MONDAY_NOON + 20 * HOUR)
    assert held is not None
    assert held.due == MONDAY_NOON + 26 * HOUR
    assert delay_for_pause(held, [pause(3, 9)], held.due) is None


def test_fixed_due_time_moves_only_for_a_pause_around_it() -> None:
    date = at(20)._replace(fixed=True)
    assert delay_for_pause(date, [pause(3, 9)], date.due) is None
    held = delay_for_pause(date, [pause(3, 9), pause(18)], date.due)
    assert held is not None
    over = resume_after_pause(held, [pause(3, 9), pause(18, 28)], MONDAY_NOON + 28 * HOUR)
    assert over.due == MONDAY_NOON + 30 * HOUR


@given(_pauses())
def test_pauses_survive_json(pauses: list[Pause]) -> None:
    assert pauses_from_json(pauses_to_json([*pauses, pause(70)])) == (*pauses, pause(70))


def test_the_oldest_of_too_many_pauses_are_forgotten_and_the_newest_stay() -> None:
    told: tuple[Pause, ...] = ()
    for hour in range(0, 2 * MAX_PAUSES + 4, 2):
        told = with_pause_state(told, True, MONDAY_NOON + hour * HOUR)
        told = with_pause_state(told, False, MONDAY_NOON + (hour + 1) * HOUR)
    assert told == tuple(pause(hour, hour + 1) for hour in range(4, 2 * MAX_PAUSES + 4, 2))


@pytest.mark.parametrize(
    ("pauses", "since"),
    [
        ([pause(4, 8)], 4),
        ([pause(4, 8), pause(10, 11)], 4),  # the second came after the date, and moves it as well
        ([pause(1, 2), pause(4, 8)], 4),
        ([pause(10, 11)], 0),
    ],
)
def test_a_date_that_a_pause_kept_back_is_moved_by_all_pauses_from_that_one_on(
    pauses: list[Pause], since: int
) -> None:
    date = at(5)._replace(fixed=True)
    moved = reschedule_overdue(date, pauses, MONDAY_NOON + 12 * HOUR)
    assert moved == date._replace(since=MONDAY_NOON + since * HOUR, fixed=False)


def test_who_is_overdue_without_a_pause_goes_on_now() -> None:
    now = MONDAY_NOON + 12 * HOUR
    assert reschedule_overdue(at(5), [], now) == at(5)._replace(due=now)
    assert reschedule_overdue(at(12), [pause(3, 9)], now) == at(12)
    assert reschedule_overdue(at(5), [pause(3)], now) == at(5)
