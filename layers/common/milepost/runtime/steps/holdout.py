"""`holdout`: whoever falls to the control group leaves."""

from milepost.enrollments.chance import is_held_out
from milepost.enrollments.program import Node
from milepost.runtime.steps.block_run import BlockRun, Ended, Next
from milepost.runtime.steps.tools import StepTools


def run(node: Node, run: BlockRun, _: StepTools) -> Next | Ended:
    held = is_held_out(run.enrollment.ref, node)
    outcome = run.decide_once(node, lambda: {"held_back": held})
    return Ended("holdout") if outcome["held_back"] else Next(node["next"])
