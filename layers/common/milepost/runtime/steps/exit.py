"""`exit`: the contact leaves."""

from milepost.enrollments.program import Node
from milepost.runtime.steps.block_run import BlockRun, Ended
from milepost.runtime.steps.tools import StepTools


def run(node: Node, _: BlockRun, __: StepTools) -> Ended:
    return Ended(node["reason"])
