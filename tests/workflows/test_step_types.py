"""What describes a step, what leads on from it and what runs it are three tables with one key."""

import pytest

from milepost.enrollments.step_flow import FLOWS
from milepost.runtime.steps import RUNNERS
from milepost.runtime.steps.step_events import STEP_EVENTS
from milepost.workflows.step_type import StepType
from milepost.workflows.steps import STEPS, AnyStep, type_of
from tests.support import examples

NAMES = {step.name for step in STEPS}


def test_every_step_type_has_a_row_of_its_own() -> None:
    assert len(NAMES) == len(STEPS)
    assert FLOWS.keys() == NAMES


def test_what_can_be_published_and_does_not_wait_can_be_run() -> None:
    waits = {name for name, flow in FLOWS.items() if flow.wait is not None}
    missing = {step.name for step in STEPS if step.instead}
    assert RUNNERS.keys() | STEP_EVENTS.keys() == NAMES - waits - missing
    assert RUNNERS.keys().isdisjoint(STEP_EVENTS)


def test_a_wait_for_an_event_has_an_end() -> None:
    for step, (document, _) in examples.STEPS.items():
        wait = FLOWS[document["type"]].wait
        if wait is not None and wait.state == "task_token":
            assert wait.bound(document) is not None, step
            assert wait.event(document), step


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: str(kind.name))
def test_a_type_is_found_by_its_steps(kind: StepType[AnyStep]) -> None:
    document, _ = examples.STEPS[kind.model]
    assert type_of(kind.model.model_validate(document)) is kind
