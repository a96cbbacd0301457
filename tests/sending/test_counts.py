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


def test_a_decision_that_no_count_knows_raises_an_alarm_and_is_not_hidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As a function of another version would leave it."""
    alarms: list[tuple[str, int]] = []

    def alarm(step: str, numbers: StepCounts) -> None:
        alarms.append((step, numbers.unaccounted))
        log.report_unbalanced(step, numbers)

    numbers = count_outcomes([entry("accepted"), entry("half-sent", 1, reason="who knows")], alarm)
    assert alarms == [("hello", 1)]
    assert numbers.steps["hello"].reasons == {"who knows": 1}
    assert '"CountsUnbalanced":[1.0]' in capsys.readouterr().out


def test_what_only_machines_opened_and_clicked_is_in_no_number() -> None:
    by_machine: dict[str, Any] = {
        "machine_opened_at": "2026-11-22",
        "machine_clicked_at": "2026-11-22",
    }
    items = [entry("accepted", **by_machine), entry("accepted", 1, opened_at="2026-11-22")]
    fates = count_outcomes(items, unbalanced).steps["hello"].statuses
    assert (fates["opened"], fates["clicked"]) == (1, 0)
