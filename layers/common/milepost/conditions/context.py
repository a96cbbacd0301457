"""What a condition is evaluated against, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Condition = Mapping[str, Any]
"""The plain JSON of the compiled program. Its shape was checked when it was published."""


class ConditionResult(NamedTuple):
    """The answer and the reason for it, in words."""

    value: bool
    reason: str


class EventWindow(NamedTuple):
    """A piece of the timeline that a condition has to see: one event name since one instant."""

    name: str
    since: datetime | None


class PastEvent(NamedTuple):
    """One event of the timeline, as conditions see it."""

    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """All that a condition may look at. `windows` holds what `windows_needed` asked for.

    `fades` says what the contact's score will be from each instant on, if nothing happens.
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
