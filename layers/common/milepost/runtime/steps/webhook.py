"""`webhook`: call another system, and keep what it answers."""

from typing import Any

from milepost.base.paths import resolve_all
from milepost.enrollments.program import Node
from milepost.runtime.steps.block_run import BlockRun, Ended, Next
from milepost.runtime.steps.tools import StepTools

ALERT_SUBJECT = ("contact", "event", "steps", "enrollment")
"""What a webhook without a body of its own says."""


def run(node: Node, run: BlockRun, tools: StepTools) -> Next | Ended:
    def call(key: str) -> dict[str, Any]:
        body, data = node.get("body"), run.data()
        said = (
            {name: data[name] for name in ALERT_SUBJECT}
            if body is None
            else resolve_all(body, data)
        )
        return tools.post(run.enrollment.ref, node, key, said)

    outcome = run.call_at_least_once(node, call)
    if "error" in outcome and node.get("on_failure") == "exit":
        return Ended(f"{node['id']}: {outcome['error']}")
    return Next(node["next"])
