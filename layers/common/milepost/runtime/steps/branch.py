"""`branch`: the first path whose condition holds."""

from typing import Any

from milepost.conditions.evaluate import evaluate
from milepost.enrollments.program import Node, flow_of
from milepost.runtime.steps.block_run import BlockRun, Next
from milepost.runtime.steps.tools import StepTools

MAX_REASON_LENGTH = 500
"""Characters of a stored reason: the enrollment's size determines the price of later writes."""


def run(node: Node, run: BlockRun, tools: StepTools) -> Next:
    outcome = run.decide_once(node, lambda: _choose(node, run, tools))
    return Next(flow_of(node).taken(node, outcome))


def _choose(node: Node, run: BlockRun, tools: StepTools) -> dict[str, Any]:
    conditions = (path["if"] for path in node["paths"])
    context = tools.facts.load_for_enrollment(conditions, run.profile, run.enrollment, run.began)
    reasons = []
    for path in node["paths"]:
        verdict = evaluate(path["if"], context)
        reasons.append(f"{path['name']}: {verdict.reason}")
        if verdict.value:
            return {"path": path["name"], "why": verdict.reason[:MAX_REASON_LENGTH]}
    return {"path": None, "why": "; ".join(reasons)[:MAX_REASON_LENGTH]}
