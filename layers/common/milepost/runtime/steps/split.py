"""`split`: choose a path by weight, and store it for reports."""

from milepost.enrollments.chance import choose_path
from milepost.enrollments.program import Node, flow_of
from milepost.runtime.steps.block_run import BlockRun, Next
from milepost.runtime.steps.tools import StepTools


def run(node: Node, run: BlockRun, _: StepTools) -> Next:
    weights = {path["name"]: path.get("weight", 1) for path in node["paths"]}
    chosen = choose_path(run.enrollment.ref, node["id"], weights)
    outcome = run.decide_once(node, lambda: {"path": chosen})
    return Next(flow_of(node).taken(node, outcome))
