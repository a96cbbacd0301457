"""`send_email`: the claim of the message saves what is pending, in one transaction."""

from milepost.enrollments.program import Node
from milepost.runtime.steps.block_run import BlockRun, Ended, Next, Suspended
from milepost.runtime.steps.tools import StepTools
from milepost.sending.send import SendJob, Sent


def run(node: Node, run: BlockRun, tools: StepTools) -> Next | Ended | Suspended:
    if "repeats" in node:
        run.decide_once(node, lambda: {"block_seq": run.block_seq})
    due = run.began + run.frozen
    task = SendJob(run.program, run.profile, run.enrollment, node, run.block_seq, due)
    sent = tools.sender.send(task, run.pending())
    if not isinstance(sent, Sent):
        return Suspended(sent)
    if sent.written:
        run.mark_saved()
    run.profile = sent.profile  # with this message among those that the next one is held to
    return Ended(sent.ended_reason) if sent.ended_reason else Next(node["next"])
