"""Which execution of an enrollment begins, and when: also if its time is moved meanwhile."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from milepost.base.names import EnrollmentRef
from milepost.enrollments.enrollment import ResumePoint
from milepost.enrollments.ports import PendingOutcomes
from milepost.enrollments.program import Program
from milepost.runtime.execution_starter import ExecutionStarter
from milepost.runtime.waits import register_wait
from tests.support.builders import MONDAY_NOON, STORE, enrollment, enrollment_ref
from tests.support.ports import Ports

HOUR = timedelta(hours=1)
REF = enrollment_ref()


@dataclass
class StartedExecutions:
    """An `ExecutionEngine` that only notes which executions begin, and which tokens it wakes."""

    numbers: list[int] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)

    def start(
        self, machine: str, ref: EnrollmentRef, leg: int = 0, turn: int = 0, block: str = ""
    ) -> None:
        self.numbers.append(leg)

    def stop(self, ref: EnrollmentRef, reason: str, leg: int = 0) -> None: ...

    def complete_task(self, token: str) -> None:
        self.woken.append(token)


def started(ports: Ports, now: datetime) -> list[int]:
    """The executions that begin when the enrollment is found in the index of due times."""
    engine = StartedExecutions()
    ExecutionStarter(ports.enrollments, ports.registry, engine, lambda: now).start(REF)
    return engine.numbers


@pytest.mark.parametrize("fixed", [True, False], ids=["a date", "a delay"])
def test_a_wait_whose_end_was_moved_later_does_not_end_when_it_is_still_found_as_due(
    ports: Ports, fixed: bool
) -> None:
    """The index of due times follows the table, and may show the old time for a moment."""
    ports.publications.keep_resume(STORE, "cart", 1, "arn:7")
    ports.enrollments.enroll(enrollment())
    due = MONDAY_NOON + HOUR
    start = ResumePoint("after", 1, due, MONDAY_NOON, "wait", fixed)
    assert ports.enrollments.suspend(REF, 0, start, PendingOutcomes())
    moved = start._replace(due=due + 2 * HOUR)
    assert ports.enrollments.reschedule(REF, 1, moved)
    assert started(ports, due) == []
    assert started(ports, moved.due - timedelta(milliseconds=1)) == []
    loaded = ports.enrollments.load(REF)
    assert loaded is not None
    assert loaded[1].resume_point == moved
    assert started(ports, moved.due) == [1]
    assert started(ports, moved.due) == [1]  # the engine knows the name of that execution


def test_the_event_of_an_earlier_wait_does_not_end_a_later_wait_of_the_same_step(
    ports: Ports,
) -> None:
    """In a loop a step waits again and again, each time in another execution."""
    wait = {
        "id": "answer", "type": "wait_for", "event": "Replied", "timeout": "90 days",
        "on_event": "thanks", "on_timeout": "pity",
    }  # fmt: skip
    program = Program("cart", 1, {}, {"answer": wait}, "answer")
    assert ports.publications.save_program(STORE, program, "source")
    ports.publications.keep_resume(STORE, "cart", 1, "arn:7")
    ports.enrollments.enroll(enrollment())
    for number in (0, 1):
        start = ResumePoint("pity", number + 1, MONDAY_NOON + HOUR, MONDAY_NOON, "answer")
        assert ports.enrollments.suspend(REF, number, start, PendingOutcomes())
    engine = StartedExecutions()
    starter = ExecutionStarter(ports.enrollments, ports.registry, engine, lambda: MONDAY_NOON)
    starter.resume(REF, 1, "answer")
    loaded = ports.enrollments.load(REF)
    assert loaded is not None
    assert loaded[1].resume_point == start
    assert engine.numbers == []
    starter.resume(REF, 2, "answer")
    assert engine.numbers == [2]
    loaded = ports.enrollments.load(REF)
    assert loaded is not None
    assert loaded[1].resume_point == start._replace(block="thanks", due=MONDAY_NOON, fixed=True)


# --- an execution that waits for an event ---


@pytest.mark.parametrize(("leg", "answer"), [(0, "over"), (1, "waiting"), (2, "over")])
def test_a_wait_of_an_execution_that_is_not_the_present_one_is_woken_to_its_end(
    ports: Ports, leg: int, answer: str
) -> None:
    wait = {"id": "answer", "type": "wait_for", "event": "Replied", "timeout": "90 days"}
    assert ports.publications.save_program(
        STORE, Program("cart", 1, {}, {"answer": wait}, "answer"), "source"
    )
    ports.enrollments.enroll(enrollment())
    start = ResumePoint("answer", 1, MONDAY_NOON, MONDAY_NOON)
    assert ports.enrollments.suspend(REF, 0, start, PendingOutcomes())
    engine = StartedExecutions()
    found = register_wait(
        ports.enrollments, ports.registry, engine, REF, "answer", "T", MONDAY_NOON, 1, leg
    )
    assert found == answer
    assert engine.woken == ([] if answer == "waiting" else ["T"])
