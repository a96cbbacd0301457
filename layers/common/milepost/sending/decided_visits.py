"""Find the messages that must have a decision, from an enrollment's own record of block runs."""

from collections.abc import Iterator
from datetime import datetime

from milepost.enrollments.enrollment import Enrollment, steps_taken
from milepost.enrollments.program import Program, flow_of, visit_of


def decided_visits(
    program: Program, enrollment: Enrollment, since: datetime | None = None
) -> Iterator[tuple[str, int]]:
    """The finished visits of steps whose decisions are in the ledger: step ids and visit numbers.

    A block run is finished if a later one has started or is scheduled, or if the enrollment is
    completed. Otherwise the newest block run does not count: it may be running or interrupted.
    Block runs of an older version of the workflow, and those that ended before `since`, are left
    out.
    """
    block_runs = sorted(map(int, enrollment.block_started))
    resume_point = enrollment.resume_point
    newest = max([*block_runs, *([resume_point.block_seq] if resume_point else [])], default=0)
    for block_run in block_runs:
        entry = enrollment.block_entries.get(
            str(block_run), program.entry if block_run == 0 else ""
        )
        finished = block_run < newest or enrollment.status == "completed"
        if block_run < enrollment.first_block_run or not finished or entry not in program.nodes:
            continue
        ended = enrollment.block_started.get(str(block_run + 1), enrollment.ended_at)
        if since is not None and ended is not None and ended < since:
            continue
        for node in steps_taken(program, entry, block_run, enrollment.outcomes):
            if flow_of(node).pending == "in_ledger":
                yield node["id"], visit_of(node, block_run)
