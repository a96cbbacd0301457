"""Wait: park a task token until an event, and lose no wake-up whichever comes first."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
from milepost.enrollments.program import outcome_key
from milepost.enrollments.step_flow import event_of

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
    turn: int = 0,
    leg: int = 0,
) -> WaitRegistered:
    """Lay the token down where the event's half is looked for; wake at once if it is there.

    An enrollment that is over is woken too, or one that is in another leg, so that this machine
    comes to its end.
    """
    node = registry.program(ref.store, ref.workflow, ref.version).nodes[step]
    key = outcome_key(node, turn)
    event = event_of(node)
    if event is None:
        raise ValueError(f"{step} waits for no event")
    met = enrollments.register_wait(ref, step, event, token, since, key, leg)
    loaded = enrollments.load(ref)
    if loaded is None:
        raise ThrottledError(f"enrollment {ref.id} is not there")
    over = loaded[1].status != "active" or loaded[1].execution_no != leg
    if met or over:
        engine.complete_task(token)
    return "over" if over else "already happened" if met else "waiting"
