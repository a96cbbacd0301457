"""Which messages an enrollment must have had decided, as its own record of its blocks tells."""

from collections.abc import Iterator
from datetime import datetime

from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.executions import steps_taken
from milepost.enrollments.program import Program, visit_of


def decided_visits(
    program: Program, enrollment: Enrollment, since: datetime | None = None
) -> Iterator[tuple[str, int]]:
    """The visits of `send_email` steps that lie behind an enrollment: steps and visit numbers.

    A block lies behind it if a later one has begun or been given a time, or if the enrollment is
    completed. Of the newest block nothing is said otherwise: it may be running, or have been left
    in the middle. Blocks of an older version of the workflow are left out, and so are those that
    were known to be over before `since`.
    """
    turns = sorted(map(int, enrollment.block_started))
    start = enrollment.resume_point
    newest = max([*turns, *([start.block_seq] if start else [])], default=0)
    for turn in turns:
        entry = enrollment.block_entries.get(str(turn), program.entry if turn == 0 else "")
        over = turn < newest or enrollment.status == "completed"
        if turn < enrollment.first_block_run or not over or entry not in program.nodes:
            continue
        ended = enrollment.block_started.get(str(turn + 1), enrollment.ended_at)
        if since is not None and ended is not None and ended < since:
            continue
        for node in steps_taken(program, entry, turn, enrollment.outcomes):
            if node["type"] == "send_email":
                yield node["id"], visit_of(node, turn)
