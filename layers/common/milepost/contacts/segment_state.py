"""The segment state of a contact: its segments, points and stage, and when they change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import times

MembershipChangeKind = Literal["entered", "left", "dropped", "stage"]
"""`dropped`: the segment was archived, which causes no event. `stage`: a stage was reached."""

Buckets = Mapping[str, int]
"""Points by the period in which they were earned (see `scoring.py`)."""


class Membership(NamedTuple):
    """When a contact entered a segment, and the event that caused it."""

    since: datetime
    event: str


class MembershipChange(NamedTuple):
    """A membership change by one event, stored until the next event so that it can be repeated.

    `initial`: a backfill found it.
    """

    name: str
    on: MembershipChangeKind
    at: datetime
    event: str
    initial: bool = False


class SegmentState(NamedTuple):
    """`next_changes` has the times at which a segment's condition may change without an event.

    `points` has the points of rules with a limit by the rule's id, and all others under an empty
    name. `score` is their sum at the last evaluation. `stage` is the last stage that the rules
    reached, at `stage_since`.
    """

    segments: Mapping[str, Membership] = {}
    next_changes: Mapping[str, datetime] = {}
    crossings: tuple[MembershipChange, ...] = ()
    points: Mapping[str, Buckets] = {}
    score: float = 0
    stage: str = ""
    stage_since: datetime | None = None

    def inside(self) -> frozenset[str]:
        """The segments without the internal ones for stages, whose names have a colon."""
        return frozenset(name for name in self.segments if ":" not in name)

    def to_json(self) -> dict[str, Any]:
        """JSON without empty values, because a profile costs by its size."""
        document: dict[str, Any] = {
            "segments": {
                n: [times.format_instant(m.since), m.event] for n, m in self.segments.items()
            },
            "next_changes": {
                name: times.format_instant(at) for name, at in self.next_changes.items()
            },
            "changes": [[c.name, c.on, times.format_instant(c.at), *c[3:]] for c in self.crossings],
            "points": self.points,
            "score": self.score,
            "stage": self.stage,
            "stage_since": self.stage_since and times.format_instant(self.stage_since),
        }
        return {name: value for name, value in document.items() if value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "SegmentState":
        if not document:
            return EMPTY
        return cls(
            segments={
                name: Membership(times.parse_instant(since), event)
                for name, (since, event) in document.get("segments", {}).items()
            },
            next_changes={
                n: times.parse_instant(at) for n, at in document.get("next_changes", {}).items()
            },
            crossings=tuple(
                MembershipChange(name, on, times.parse_instant(at), event, initial)
                for name, on, at, event, initial in document.get("changes", ())
            ),
            points=document.get("points", {}),
            score=document.get("score", 0),
            stage=document.get("stage", ""),
            stage_since=times.parse_instant(document["stage_since"])
            if "stage_since" in document
            else None,
        )


EMPTY = SegmentState()


def merge_segment_states(winner: SegmentState, loser: SegmentState) -> SegmentState:
    """The state of two merged contacts: the points of both, all else of the winner.

    A merge then has the winner re-evaluated.
    """
    points = {key: dict(buckets) for key, buckets in winner.points.items()}
    for key, buckets in loser.points.items():
        own = points.setdefault(key, {})
        for period, amount in buckets.items():
            own[period] = own.get(period, 0) + amount
    return winner._replace(points=points) if loser.points else winner


def add_points(value: Any, points: float) -> Any:
    """A score: what steps have added, plus the points of events."""
    if not points or isinstance(value, bool):
        return value
    if value is None:
        return points
    return value + points if isinstance(value, int | float) else value
