"""`branch`: the first path whose condition holds."""

from typing import Any

from milepost.conditions.evaluate import evaluate
from milepost.enrollments.program import Node
from milepost.enrollments.step_flow import flow_of
from milepost.runtime.steps.block_run import BlockRun, Next
from milepost.runtime.steps.tools import StepTools

MAX_REASON_LENGTH = 500
"""Characters of a reason that are kept: every later write of the enrollment is paid by its size."""


def run(node: Node, run: BlockRun, tools: StepTools) -> Next:
    outcome = run.decide_once(node, lambda: _choose(node, run, tools))
    return Next(flow_of(node).taken(node, outcome))


def _choose(node: Node, run: BlockRun, tools: StepTools) -> dict[str, Any]:
    asked = (path["if"] for path in node["paths"])
    facts = tools.facts.load_for_enrollment(asked, run.profile, run.enrollment, run.began)
    reasons = []
    for path in node["paths"]:
        verdict = evaluate(path["if"], facts)
        reasons.append(f"{path['name']}: {verdict.reason}")
        if verdict.value:
            return {"path": path["name"], "why": verdict.reason[:MAX_REASON_LENGTH]}
    return {"path": None, "why": "; ".join(reasons)[:MAX_REASON_LENGTH]}
