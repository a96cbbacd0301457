"""From when a block counts its waits if a message of it was put off."""

from datetime import datetime, timedelta

import pytest

from milepost.enrollments.enrollment import ResumePoint, resumed_at
from tests.support.builders import MONDAY_NOON, enrollment

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("due", "counted_from"),
    [(MONDAY_NOON + HOUR, MONDAY_NOON + HOUR), (MONDAY_NOON - HOUR, MONDAY_NOON)],
    ids=["later", "earlier, by a clock that is slow"],
)
def test_a_wait_after_a_message_that_was_put_off_counts_from_when_the_message_could_go(
    due: datetime, counted_from: datetime
) -> None:
    start = ResumePoint("mail", 2, due, MONDAY_NOON, deferred="mail: quiet hours")
    began = {"1": MONDAY_NOON - 3 * HOUR, "2": MONDAY_NOON}
    held = enrollment(execution_no=1, resume_point=start, block_started=began)
    assert resumed_at(held, MONDAY_NOON) == counted_from
    assert resumed_at(held, began["1"]) == began["1"]
