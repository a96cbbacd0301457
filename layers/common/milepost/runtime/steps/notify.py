"""`notify`: tell staff, by the store's alerts or in Slack."""

from typing import Any

from milepost.base.paths import render_text
from milepost.enrollments.program import Node
from milepost.runtime.steps.block_run import BlockRun, Next
from milepost.runtime.steps.tools import StepTools


def run(node: Node, run: BlockRun, tools: StepTools) -> Next:
    def call(key: str) -> dict[str, Any]:
        ref, text = run.enrollment.ref, render_text(node["message"], run.data())
        if node.get("to") == "slack":
            return tools.post(ref, node, key, {"text": text})
        tools.alerts().send_alert(f"{ref.workflow}: {node['id']}", text, ref.store)
        return {"notified": "alerts"}

    run.call_at_least_once(node, call)
    return Next(node["next"])
