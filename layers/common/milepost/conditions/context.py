"""The data that a condition is evaluated against, and its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Condition = Mapping[str, Any]
"""The JSON of the compiled program. Publishing has checked its shape."""


class ConditionResult(NamedTuple):
    """The result and the reason for it, in words."""

    value: bool
    reason: str


class EventWindow(NamedTuple):
    """A part of the timeline that a condition reads: events of one name since one instant."""

    name: str
    since: datetime | None


class PastEvent(NamedTuple):
    """One event of the timeline, for conditions."""

    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """All data that a condition may read. `windows` holds the windows of `windows_needed`.

    `score_decays` has the contact's future scores and when they begin, if nothing happens.
    """

    now: datetime
    contact: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    consent: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    active_workflows: frozenset[str] = frozenset()
    entered_at: datetime | None = None
    windows: Mapping[EventWindow, Sequence[PastEvent]] = field(default_factory=dict)
    emails: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    score_decays: Sequence[tuple[datetime, float]] = ()
