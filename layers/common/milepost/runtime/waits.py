"""Register the task token of a wait; no event is lost, whichever comes first."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
from milepost.enrollments.program import event_of, outcome_key

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments, ExecutionEngine
    from milepost.published.head import Published


WaitRegistered = Literal["waiting", "already happened", "over"]


def register_wait(
    enrollments: "Enrollments",
    registry: "Published",
    engine: "ExecutionEngine",
    ref: EnrollmentRef,
    step: str,
    token: str,
    since: datetime,
    block_seq: int = 0,
    execution_no: int = 0,
) -> WaitRegistered:
    """Register a wait and resume it at once if its event was first.

    The wait also resumes if the enrollment has ended or is in another execution, so that this
    execution ends.
    """
    node = registry.program(ref.store, ref.workflow, ref.version).nodes[step]
    key = outcome_key(node, block_seq)
    event = event_of(node)
    if event is None:
        raise ValueError(f"{step} waits for no event")
    matched = enrollments.register_wait(ref, step, event, token, since, key, execution_no)
    loaded = enrollments.load(ref)
    if loaded is None:
        raise ThrottledError(f"enrollment {ref.id} is not there")
    over = loaded[1].status != "active" or loaded[1].execution_no != execution_no
    if matched or over:
        engine.complete_task(token)
    return "over" if over else "already happened" if matched else "waiting"
