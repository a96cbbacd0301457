"""Lead scoring: the points of events, and their decay.

Points are stored by the period in which they were earned, as whole numbers, so the same events in
any order give the same points. The score is a function of the points and the time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, NamedTuple

from milepost.conditions.context import Condition, EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.event import Event
from milepost.contacts.segment_state import Buckets, SegmentState
from milepost.enrollments.trigger_types import is_reevaluation

STEPS = 4
"""Decay steps in one half-life."""

HALVES = 10
"""Half-lives after which points count 0: a thousandth would be left."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

Points = Mapping[str, Buckets]


class Rule(NamedTuple):
    """The points of an event. `max_points` limits the points of all events of this rule."""

    id: str
    event: str
    points: int
    where: Condition | None = None
    max_points: int | None = None


class Scoring(NamedTuple):
    """A store's `scoring.json`, which publishing checks (see `segments/file.py`).

    Points halve every `STEPS` periods, or decay in `half_life_periods` equal steps of one period,
    or stay if there is no `period` (in minutes). `stages` are in order; a contact goes back to an
    earlier stage only with `fall_back`.
    """

    rules: tuple[Rule, ...] = ()
    period: int = 0
    half_life_periods: int = 0
    least: float | None = None
    most: float | None = None
    stages: tuple[str, ...] = ()
    fall_back: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Scoring":
        rules = tuple(Rule(**rule) for rule in document.get("rules", ()))
        return cls(**{**document, "rules": rules, "stages": tuple(document.get("stages", ()))})

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "rules": [rule._asdict() for rule in self.rules]}

    @property
    def lasts(self) -> int:
        """Periods after which points count 0; 0 if they do not decay."""
        return 0 if not self.period else self.half_life_periods or STEPS * HALVES


def add_earned_points(points: Points, event: Event, scoring: Scoring) -> Points:
    """The points of a contact after one more event."""
    if is_reevaluation(event):
        return points
    for rule in scoring.rules:
        if rule.event == event.name and _counts(rule, event):
            key = rule.id if rule.max_points is not None else ""
            points = {**points, key: _added(points.get(key, {}), rule.points, event, scoring)}
    return points


def current_score(points: Points, scoring: Scoring, now: datetime) -> float:
    """The score of a contact's points at an instant."""
    limits = {rule.id: rule.max_points for rule in scoring.rules if rule.max_points is not None}
    total = 0.0
    for key in sorted(points):
        total += min(_sum(points[key], scoring, now), limits.get(key, inf))
    if scoring.most is not None:
        total = min(total, scoring.most)
    if scoring.least is not None:
        total = max(total, scoring.least)
    rounded = round(total, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def score_decays(points: Points, scoring: Scoring, now: datetime) -> list[tuple[datetime, float]]:
    """The future scores and the instants at which they begin, if no event follows.

    Empty if the points do not decay.
    """
    if not scoring.period or not any(points.values()):
        return []
    newest = max(int(start) for buckets in points.values() for start in buckets)
    last = _period(_EPOCH + newest * _MINUTE, scoring) + scoring.lasts
    found: list[tuple[datetime, float]] = []
    value = current_score(points, scoring, now)
    for number in range(_period(now, scoring) + 1, last + 1):
        begins = _EPOCH + number * scoring.period * _MINUTE
        following = current_score(points, scoring, begins)
        if following != value:
            found.append((begins, following))
            value = following
    return found


def apply_score(
    state: SegmentState, event: Event, scoring: Scoring | None, now: datetime
) -> SegmentState:
    """The segment state with points and score after an event."""
    if scoring is None:
        return state._replace(score=0) if state.score else state
    points = add_earned_points(state.points, event, scoring)
    score = current_score(points, scoring, now)
    if points is state.points and score == state.score:
        return state
    return state._replace(points=points, score=score)


def reached_stage(state: SegmentState, current: Any, scoring: Scoring, prefix: str) -> str:
    """The highest stage whose condition holds, if it is new; else an empty text.

    A stage that a step or the API has set stays until the rules reach another stage than last time.
    """
    matching = [stage for stage in scoring.stages if f"{prefix}{stage}" in state.segments]
    reached = matching[-1] if matching else ""
    if not reached or reached in (state.stage, current):
        return ""
    known = [each for each in (state.stage, current) if each in scoring.stages]
    height = max((scoring.stages.index(each) for each in known), default=-1)
    if not scoring.fall_back and scoring.stages.index(reached) < height:
        return ""
    return reached


def _counts(rule: Rule, event: Event) -> bool:
    if rule.where is None:
        return True
    return evaluate(rule.where, EvaluationContext(now=event.occurred_at, event=event.data)).value


def _added(buckets: Buckets, amount: int, event: Event, scoring: Scoring) -> Buckets:
    """Add an amount to its period, and drop periods that count 0."""
    minutes = (event.occurred_at - _EPOCH) // _MINUTE
    start = minutes - minutes % scoring.period if scoring.period else 0
    buckets = {**buckets, str(start): buckets.get(str(start), 0) + amount}
    if not scoring.period:
        return buckets
    newest = max(map(int, buckets)) // scoring.period
    kept = {s: n for s, n in buckets.items() if newest - int(s) // scoring.period < scoring.lasts}
    return dict(sorted(kept.items()))


def _sum(buckets: Buckets, scoring: Scoring, now: datetime) -> float:
    if not scoring.period:
        return float(sum(buckets.values()))
    current = _period(now, scoring)
    ages = sorted((max(current - int(s) // scoring.period, 0), n) for s, n in buckets.items())
    return sum(points * _decay(age, scoring) for age, points in ages)


def _decay(age: int, scoring: Scoring) -> float:
    if age >= scoring.lasts:
        return 0.0
    if scoring.half_life_periods:
        return (scoring.half_life_periods - age) / scoring.half_life_periods
    return float(2 ** (-age / STEPS))


def _period(at: datetime, scoring: Scoring) -> int:
    return int((at - _EPOCH) // _MINUTE) // scoring.period
