"""Where a contact stands: its segments, its points, its stage, and when that changes by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import instants

MembershipChangeKind = Literal["entered", "left", "dropped", "stage"]
"""`dropped`: the segment itself is gone, which is news to nobody. `stage`: a stage was reached."""

Buckets = Mapping[str, int]
"""Points by the period they were earned in (see `scoring.py`)."""


class Membership(NamedTuple):
    """Since when a contact is in a segment, and the event that made it so."""

    since: datetime
    event: str


class MembershipChange(NamedTuple):
    """What one event changed; kept until the next event, so that what follows can be repeated.

    `initial`: it was found by looking at what had been there before, and is no news.
    """

    name: str
    on: MembershipChangeKind
    at: datetime
    event: str
    initial: bool = False


class SegmentState(NamedTuple):
    """All of it. `flips` says when a segment's condition may change its answer by itself.

    `points` are those of rules with a limit of their own by the rule's id, and all others under an
    empty name; `score` is what they came to when the contact was last looked at. `stage` is the
    last one that the rules have come to, and `staged` when.
    """

    segments: Mapping[str, Membership] = {}
    next_changes: Mapping[str, datetime] = {}
    crossings: tuple[MembershipChange, ...] = ()
    points: Mapping[str, Buckets] = {}
    score: float = 0
    stage: str = ""
    stage_since: datetime | None = None

    def inside(self) -> frozenset[str]:
        """The segments that people know; those with a colon are kept for the rules of stages."""
        return frozenset(name for name in self.segments if ":" not in name)

    def to_json(self) -> dict[str, Any]:
        """What a profile keeps, without what is empty: it is paid for by its size."""
        held: dict[str, Any] = {
            "segments": {
                n: [instants.format_instant(m.since), m.event] for n, m in self.segments.items()
            },
            "flips": {name: instants.format_instant(at) for name, at in self.next_changes.items()},
            "crossings": [
                [c.name, c.on, instants.format_instant(c.at), *c[3:]] for c in self.crossings
            ],
            "points": self.points,
            "score": self.score,
            "stage": self.stage,
            "staged": self.stage_since and instants.format_instant(self.stage_since),
        }
        return {name: value for name, value in held.items() if value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "SegmentState":
        if not document:
            return EMPTY
        return cls(
            segments={
                name: Membership(instants.parse_instant(since), event)
                for name, (since, event) in document.get("segments", {}).items()
            },
            next_changes={
                n: instants.parse_instant(at) for n, at in document.get("flips", {}).items()
            },
            crossings=tuple(
                MembershipChange(name, on, instants.parse_instant(at), event, initial)
                for name, on, at, event, initial in document.get("crossings", ())
            ),
            points=document.get("points", {}),
            score=document.get("score", 0),
            stage=document.get("stage", ""),
            stage_since=instants.parse_instant(document["staged"])
            if "staged" in document
            else None,
        )


EMPTY = SegmentState()


def merge_segment_states(winner: SegmentState, loser: SegmentState) -> SegmentState:
    """The standing of two contacts who are one: the points of both.

    All else is the winner's until it is looked at again, which a merge has it be.
    """
    points = {key: dict(held) for key, held in winner.points.items()}
    for key, held in loser.points.items():
        own = points.setdefault(key, {})
        for period, amount in held.items():
            own[period] = own.get(period, 0) + amount
    return winner._replace(points=points) if loser.points else winner


def add_points(value: Any, points: float) -> Any:
    """A score: what steps have added to it, and what events were worth."""
    if not points or isinstance(value, bool):
        return value
    if value is None:
        return points
    return value + points if isinstance(value, int | float) else value
