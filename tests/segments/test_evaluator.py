"""Which windows a segment reads: those that the totals of the profile do not rule out."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from milepost.conditions.context import EventWindow, PastEvent
from milepost.contacts.profile import OTHER_EVENTS, EventTotal, Profile
from milepost.published.head import PublishedState
from milepost.segments.evaluator import SegmentEvaluator
from milepost.stores.settings import StoreSettings
from tests.support.builders import MONDAY_NOON, STORE, contact

DAY = timedelta(days=1)
RECENT = {"did": "Quiz Taken", "within": "30 days"}
HEAD = PublishedState(StoreSettings(), {}, {})


@dataclass
class OneEvent:
    """A timeline with one event in every window; notes what is read."""

    windows: list[EventWindow] = field(default_factory=list)

    def past_events(self, store: str, contact: str, window: EventWindow) -> list[PastEvent]:
        self.windows.append(window)
        return [PastEvent(MONDAY_NOON - DAY, {})]


@pytest.mark.parametrize(
    ("name", "days_ago", "read"),
    [
        ("Quiz Taken", 1, True),
        ("Quiz Taken", 29, True),
        ("Quiz Taken", 31, False),
        ("Order Completed", 1, False),
        (OTHER_EVENTS, 1, True),
        (OTHER_EVENTS, 31, True),
    ],
)
def test_a_window_is_read_unless_the_totals_tell_that_it_is_empty(
    name: str, days_ago: int, read: bool
) -> None:
    """Past a hundred names a contact's events are counted together, as `(other)`."""
    at = MONDAY_NOON - days_ago * DAY
    profile = Profile(STORE, contact(), totals={name: EventTotal(1, at, at, Decimal(0))})
    timeline = OneEvent()
    nothing = cast("Any", None)
    evaluator = SegmentEvaluator(cast("Any", timeline), nothing, nothing)
    assert evaluator.matches(profile, RECENT, HEAD, MONDAY_NOON) is read
    assert len(timeline.windows) == int(read)
