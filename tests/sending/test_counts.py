from collections import Counter
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.handlers import log
from milepost.sending.counts import StepCounts, count_outcomes
from milepost.sending.message import MessageStatus
from tests.support.world import unbalanced

STATUSES = get_args(MessageStatus)


def entry(status: str, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"run_sort": f"MESSAGE#hello#{number}", "status": status, **more}


@given(st.lists(st.sampled_from(STATUSES)))
def test_every_decision_is_in_exactly_one_count(statuses: list[str]) -> None:
    numbers = count_outcomes([entry(status, n) for n, status in enumerate(statuses)], unbalanced)
    for step in numbers.steps.values():
        assert step.unaccounted == 0
        assert step.decided == len(statuses)
        counts = Counter(statuses)
        assert step.sent == counts["accepted"]
        assert step.failed == counts["failed"] + counts["rejected"]


def test_unknown_status_calls_alarm_and_stays_visible(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another version of the function could write such a status."""
    alarms: list[tuple[str, int]] = []

    def alarm(step: str, numbers: StepCounts) -> None:
        alarms.append((step, numbers.unaccounted))
        log.report_unbalanced({"step": step}, numbers)

    numbers = count_outcomes([entry("accepted"), entry("half-sent", 1, reason="who knows")], alarm)
    assert alarms == [("hello", 1)]
    assert numbers.steps["hello"].reasons == {"who knows": 1}
    assert '"CountsUnbalanced":[1.0]' in capsys.readouterr().out


def test_bot_opens_and_clicks_are_not_counted() -> None:
    by_machine: dict[str, Any] = {
        "bot_opened_at": "2026-11-22",
        "bot_clicked_at": "2026-11-22",
    }
    items = [entry("accepted", **by_machine), entry("accepted", 1, opened_at="2026-11-22")]
    fates = count_outcomes(items, unbalanced).steps["hello"].statuses
    assert (fates["opened"], fates["clicked"]) == (1, 0)
