"""Scores depend on events and time, not on the order of arrival."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.contacts.segment_state import EMPTY, Membership, add_points
from milepost.segments.scoring import (
    Rule,
    Scoring,
    add_earned_points,
    apply_score,
    current_score,
    reached_stage,
    score_decays,
)
from tests.support.builders import MONDAY_NOON, event

DAY = timedelta(days=1)
MONTH = 30 * 24 * 60
RULES = (
    Rule("order", "Ordered", 20),
    Rule("large", "Ordered", 30, {"event": "total", "gte": 100}),
    Rule("click", "Clicked", 5, max_points=12),
    Rule("return", "Returned", -15),
)
HALF = Scoring(RULES, period=MONTH // 4)
LINEAR = Scoring(RULES, period=7 * 24 * 60, half_life_periods=10)
STAYS = Scoring(RULES, least=0, most=100)


def after(scoring: Scoring, *happened: tuple[str, int, int]) -> Any:
    """The points after events: a name, days from Monday noon, a total."""
    points: Any = {}
    for number, (name, days, total) in enumerate(happened):
        scored = event(name, {"total": total}, at=MONDAY_NOON + days * DAY, id_=str(number))
        points = add_earned_points(points, scored, scoring)
    return points


def test_events_score_points_by_rule() -> None:
    assert current_score(after(STAYS, ("Ordered", 0, 10)), STAYS, MONDAY_NOON) == 20
    assert current_score(after(STAYS, ("Ordered", 0, 150)), STAYS, MONDAY_NOON) == 50
    assert current_score(after(STAYS, ("Returned", 0, 0)), STAYS, MONDAY_NOON) == 0
    many = after(STAYS, *[("Ordered", 0, 150)] * 4)
    assert current_score(many, STAYS, MONDAY_NOON) == 100
    assert after(STAYS, ("Looked", 0, 0)) == {}


def test_rule_limit_caps_points_of_all_its_events() -> None:
    points = after(STAYS, *[("Clicked", 0, 0)] * 9, ("Ordered", 0, 1))
    assert current_score(points, STAYS, MONDAY_NOON) == 32


def test_points_halve_after_each_half_life() -> None:
    points = after(HALF, ("Ordered", 0, 10))
    begins = current_score(points, HALF, MONDAY_NOON)
    assert begins == 20
    assert current_score(points, HALF, MONDAY_NOON + 30 * DAY) == 10
    assert current_score(points, HALF, MONDAY_NOON + 60 * DAY) == 5
    assert current_score(points, HALF, MONDAY_NOON + 301 * DAY) == 0


def test_linear_decay_removes_points_in_equal_steps() -> None:
    points = after(LINEAR, ("Ordered", 0, 10))
    values = [current_score(points, LINEAR, MONDAY_NOON + week * 7 * DAY) for week in range(12)]
    assert values == [20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0, 0]


happened = st.lists(
    st.tuples(
        st.sampled_from(["Ordered", "Clicked", "Returned", "Looked"]),
        st.integers(-700, 700),
        st.sampled_from([10, 150]),
    ),
    max_size=12,
)
scorings = st.sampled_from([HALF, LINEAR, STAYS])


@given(happened, scorings, st.integers(0, 999), st.integers(-800, 1500))
def test_score_does_not_depend_on_event_order(
    events: list[tuple[str, int, int]], scoring: Scoring, seed: int, days: int
) -> None:
    mixed = Random(seed).sample(events, len(events))
    one, other = after(scoring, *events), after(scoring, *mixed)
    assert one == other
    now = MONDAY_NOON + days * DAY
    assert current_score(one, scoring, now) == current_score(other, scoring, now)


@given(happened, st.sampled_from([HALF, LINEAR]))
def test_score_changes_only_at_predicted_times(
    events: list[tuple[str, int, int]], scoring: Scoring
) -> None:
    points = after(scoring, *events)
    predicted = score_decays(points, scoring, MONDAY_NOON)
    value, instants = current_score(points, scoring, MONDAY_NOON), dict(predicted)
    assert sorted(instants) == [at for at, _ in predicted]
    for hours in range(0, 24 * 800, 37):
        at = MONDAY_NOON + timedelta(hours=hours)
        for due, score in predicted:
            if due <= at:
                value = score
        assert current_score(points, scoring, at) == value


@given(happened)
def test_number_of_point_buckets_is_bounded(events: list[tuple[str, int, int]]) -> None:
    for scoring in (HALF, LINEAR):
        assert all(len(held) <= scoring.lasts for held in after(scoring, *events).values())


def test_score_is_zero_without_scoring_rules() -> None:
    scored = event("Ordered")
    state = apply_score(EMPTY, scored, STAYS, MONDAY_NOON)
    assert (state.score, state.points) == (20, {"": {"0": 20}})
    assert apply_score(state, scored, None, MONDAY_NOON).score == 0
    assert Scoring.from_json(HALF.to_json()) == HALF


@pytest.mark.parametrize(
    ("value", "points", "sum_"),
    [(None, 20, 20), (5, 20, 25), (5, 0, 5), ("many", 20, "many"), (True, 20, True)],
)
def test_points_from_steps_and_events_add_up(value: Any, points: float, sum_: Any) -> None:
    assert add_points(value, points) == sum_


STAGES = Scoring(stages=("lead", "customer", "fan"))
SINCE = Membership(MONDAY_NOON, "e")


@pytest.mark.parametrize(
    ("matching", "last_stage", "current", "falls", "reached"),
    [
        (["lead"], "", None, False, "lead"),
        (["lead", "fan"], "", None, False, "fan"),
        (["lead"], "lead", "lead", False, ""),
        (["lead"], "fan", "fan", False, ""),
        (["lead"], "fan", "fan", True, "lead"),
        (["lead"], "lead", "lost", False, ""),
        (["lead", "customer"], "lead", "lost", False, "customer"),
        ([], "fan", "fan", True, ""),
    ],
)
def test_stage_is_reached_once_and_goes_back_only_if_allowed(
    matching: list[str], last_stage: str, current: Any, falls: bool, reached: str
) -> None:
    segments = {f"stage:{stage}": SINCE for stage in matching}
    state = EMPTY._replace(segments=segments, stage=last_stage)
    scoring = STAGES._replace(fall_back=falls)
    assert reached_stage(state, current, scoring, "stage:") == reached


def test_points_of_a_clock_that_is_ahead_are_worth_no_more_than_new_ones() -> None:
    points = after(HALF, ("Ordered", 60, 10))
    assert current_score(points, HALF, MONDAY_NOON) == 20
    assert current_score(points, HALF, MONDAY_NOON + 60 * DAY) == 20
    assert current_score(points, HALF, MONDAY_NOON + 90 * DAY) == 10


@pytest.mark.parametrize("fall_back", [False, True])
@pytest.mark.parametrize(("standing", "current"), [("", "fan"), ("fan", "lead"), ("fan", "fan")])
def test_a_stage_above_the_rules_stays_whether_rules_or_a_step_have_set_it(
    standing: str, current: str, fall_back: bool
) -> None:
    staged = Scoring(stages=("lead", "customer", "fan"), fall_back=fall_back)
    inside = {"stage:customer": Membership(MONDAY_NOON, "e-1")}
    state = EMPTY._replace(segments=inside, stage=standing)
    assert reached_stage(state, current, staged, "stage:") == ("customer" if fall_back else "")
