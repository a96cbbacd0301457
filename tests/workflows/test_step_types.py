"""Step types, step flows and step runners are three tables with the same keys."""

import pytest

from milepost.enrollments.program import FLOWS
from milepost.runtime.steps import RUNNERS
from milepost.runtime.steps.step_events import STEP_EVENTS
from milepost.workflows.step_type import StepType
from milepost.workflows.steps import STEPS, AnyStep, type_of
from tests.support import examples

NAMES = {step.name for step in STEPS}


def test_every_step_type_has_its_own_row() -> None:
    assert len(NAMES) == len(STEPS)
    assert FLOWS.keys() == NAMES


def test_every_available_step_without_wait_has_a_runner() -> None:
    waits = {name for name, flow in FLOWS.items() if flow.wait is not None}
    missing = {step.name for step in STEPS if step.instead}
    assert RUNNERS.keys() | STEP_EVENTS.keys() == NAMES - waits - missing
    assert RUNNERS.keys().isdisjoint(STEP_EVENTS)


def test_wait_for_event_has_a_timeout() -> None:
    for step, (document, _) in examples.STEPS.items():
        wait = FLOWS[document["type"]].wait
        if wait is not None and wait.state == "task_token":
            assert wait.bound(document) is not None, step
            assert wait.event(document), step


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: str(kind.name))
def test_step_type_is_found_by_its_steps(kind: StepType[AnyStep]) -> None:
    document, _ = examples.STEPS[kind.model]
    assert type_of(kind.model.model_validate(document)) is kind
