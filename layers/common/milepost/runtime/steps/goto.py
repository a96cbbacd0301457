"""`goto`: jump, at most `max` times."""

from milepost.enrollments.enrollment import visit_count
from milepost.enrollments.program import Node, flow_of
from milepost.runtime.steps.block_run import BlockRun, Next
from milepost.runtime.steps.tools import StepTools


def run(node: Node, run: BlockRun, _: StepTools) -> Next:
    if "max" not in node:
        return Next(node["to"])
    rounds = visit_count(run.enrollment.outcomes, node["id"])
    outcome = run.decide_once(node, lambda: {"round": rounds + 1, "over": rounds >= node["max"]})
    return Next(flow_of(node).taken(node, outcome))
