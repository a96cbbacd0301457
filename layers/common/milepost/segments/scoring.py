"""Lead scoring: what events are worth, and how that fades.

Points are kept by the period they were earned in, as whole numbers, so that the same events in any
order come to the same. What they are worth at an instant is a function of those and the instant.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from milepost.conditions.context import Condition, EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.event import Event
from milepost.contacts.segment_state import Buckets, SegmentState
from milepost.enrollments.trigger_types import is_reevaluation

STEPS = 4
"""Steps in which points lose their half."""

HALVES = 10
"""Half-lives after which points are gone: a thousandth would be left."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

Points = Mapping[str, Buckets]


class Rule(NamedTuple):
    """What an event is worth. With `most`, all events of this rule together are worth no more."""

    id: str
    event: str
    points: int
    where: Condition | None = None
    max_points: int | None = None


class Scoring(NamedTuple):
    """A store's `scoring.json`, checked when it was published (see `language/scoring.py`).

    Points halve every `STEPS` periods, or melt away in `melts_in` equal steps, one each period, or
    stay, if there is no `period` (in minutes). `stages` are in order; a contact goes back only if
    they `fall_back`.
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
        """Periods after which points are worth nothing; 0 if they last."""
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
    """What a contact's points come to at an instant."""
    limits = {rule.id: rule.max_points for rule in scoring.rules if rule.max_points is not None}
    total = 0.0
    for key in sorted(points):
        total += _limited(_sum(points[key], scoring, now), limits.get(key))
    if scoring.most is not None:
        total = min(total, scoring.most)
    if scoring.least is not None:
        total = max(total, scoring.least)
    rounded = round(total, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def score_decays(points: Points, scoring: Scoring, now: datetime) -> list[tuple[datetime, float]]:
    """What the points will come to from each instant on at which that changes, until all is gone.

    Nothing else happens in between. Empty if they stay.
    """
    if not scoring.period or not any(points.values()):
        return []
    newest = max(int(start) for held in points.values() for start in held)
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
    standing: SegmentState, event: Event, scoring: Scoring | None, now: datetime
) -> SegmentState:
    """The standing after an event, with the score as it is now."""
    if scoring is None:
        return standing._replace(score=0) if standing.score else standing
    points = add_earned_points(standing.points, event, scoring)
    score = current_score(points, scoring, now)
    if points is standing.points and score == standing.score:
        return standing
    return standing._replace(points=points, score=score)


def reached_stage(standing: SegmentState, current: Any, scoring: Scoring, prefix: str) -> str:
    """The stage that the rules have newly come to; empty if there is none.

    The highest whose condition holds. What a step or a call said meanwhile stands until the rules
    come to something else than the last time.
    """
    there = [stage for stage in scoring.stages if f"{prefix}{stage}" in standing.segments]
    reached = there[-1] if there else ""
    if not reached or reached in (standing.stage, current):
        return ""
    known = [each for each in (standing.stage, current) if each in scoring.stages]
    height = max((scoring.stages.index(each) for each in known), default=-1)
    if not scoring.fall_back and scoring.stages.index(reached) < height:
        return ""
    return reached


def _counts(rule: Rule, event: Event) -> bool:
    if rule.where is None:
        return True
    return evaluate(rule.where, EvaluationContext(now=event.occurred_at, event=event.data)).value


def _added(held: Buckets, amount: int, event: Event, scoring: Scoring) -> Buckets:
    """One more amount in its period; periods that are worth nothing after the newest are let go."""
    minutes = (event.occurred_at - _EPOCH) // _MINUTE
    start = minutes - minutes % scoring.period if scoring.period else 0
    buckets = {**held, str(start): held.get(str(start), 0) + amount}
    if not scoring.period:
        return buckets
    newest = max(map(int, buckets)) // scoring.period
    kept = {s: n for s, n in buckets.items() if newest - int(s) // scoring.period < scoring.lasts}
    return dict(sorted(kept.items()))


def _sum(held: Buckets, scoring: Scoring, now: datetime) -> float:
    if not scoring.period:
        return float(sum(held.values()))
    here = _period(now, scoring)
    ages = sorted((max(here - int(s) // scoring.period, 0), points) for s, points in held.items())
    return sum(points * _weight(age, scoring) for age, points in ages)


def _weight(age: int, scoring: Scoring) -> float:
    if age >= scoring.lasts:
        return 0.0
    if scoring.half_life_periods:
        return (scoring.half_life_periods - age) / scoring.half_life_periods
    return float(2 ** (-age / STEPS))


def _limited(amount: float, most: int | None) -> float:
    return amount if most is None else min(amount, most)


def _period(at: datetime, scoring: Scoring) -> int:
    return int((at - _EPOCH) // _MINUTE) // scoring.period
