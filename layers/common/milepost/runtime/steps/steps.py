"""Steps: what each one does and where it leads. Waits are not here: at them a block ends.

Every decision is noted under the step's id before what follows from it happens, so that a block
that is run again finds it and decides nothing anew.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.conditions.evaluate import evaluate
from milepost.enrollments.chance import choose_path, is_held_out
from milepost.enrollments.condition_data import ContextLoader
from milepost.enrollments.enrollment import visit_count
from milepost.enrollments.program import Node, outcome_key
from milepost.runtime.steps.actions import ActionRunner
from milepost.runtime.steps.block_run import BlockRun
from milepost.runtime.steps.step_events import STEP_EVENTS, decide_event
from milepost.sending.send import MailSender
from milepost.sending.send_job import SendJob

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments


MAX_REASON_LENGTH = 500
"""Characters of a reason that are kept: every later write of the enrollment is paid by its size."""


class Ended(NamedTuple):
    """The enrollment is over, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Takes steps. Each answers with the id of the step it leads to, or with `Ended`."""

    enrollments: "Enrollments"
    sender: MailSender
    actor: ActionRunner
    facts: ContextLoader

    def run(self, turn: BlockRun, node: Node) -> str | Ended:
        kind = node["type"]
        if kind in STEP_EVENTS:
            return self._report(turn, node)
        match kind:
            case "send_email":
                return self._send(turn, node)
            case "branch":
                return self._branch(turn, node)
            case "split":
                return self._split(turn, node)
            case "holdout":
                return self._hold_out(turn, node)
            case "goto":
                return self._go_to(turn, node)
            case "webhook" | "notify":
                return self._call(turn, node)
            case "exit":
                return Ended(node["reason"])
        raise ValueError(f"no such step type: {kind}")

    def _send(self, turn: BlockRun, node: Node) -> str | Ended:
        if "repeats" in node and turn.outcome(node) is None:
            turn.set_outcome(node, {"turn": turn.block_seq})
        due = turn.began + turn.frozen
        task = SendJob(turn.program, turn.profile, turn.enrollment, node, turn.block_seq, due)
        sent = self.sender.send(task, turn.pending())
        if sent.written:
            turn.mark_saved()
        turn.profile = sent.profile  # with this message among those that the next one is held to
        return Ended(sent.ended_reason) if sent.ended_reason else str(node["next"])

    def _branch(self, turn: BlockRun, node: Node) -> str:
        outcome = turn.outcome(node) or turn.set_outcome(node, self._choose(turn, node))
        path = next((p for p in node["paths"] if p["name"] == outcome["path"]), None)
        return str(path["next"] if path else node["else"])

    def _choose(self, turn: BlockRun, node: Node) -> dict[str, Any]:
        asked = (path["if"] for path in node["paths"])
        facts = self.facts.load_for_enrollment(asked, turn.profile, turn.enrollment, turn.began)
        reasons = []
        for path in node["paths"]:
            verdict = evaluate(path["if"], facts)
            reasons.append(f"{path['name']}: {verdict.reason}")
            if verdict.value:
                return {"path": path["name"], "why": verdict.reason[:MAX_REASON_LENGTH]}
        return {"path": None, "why": "; ".join(reasons)[:MAX_REASON_LENGTH]}

    def _split(self, turn: BlockRun, node: Node) -> str:
        """The path that falls to this contact; noted, for reports ask for it."""
        weights = {path["name"]: path.get("weight", 1) for path in node["paths"]}
        chosen = choose_path(turn.enrollment.ref, node["id"], weights)
        outcome = turn.outcome(node) or turn.set_outcome(node, {"path": chosen})
        return str(next(p["next"] for p in node["paths"] if p["name"] == outcome["path"]))

    def _hold_out(self, turn: BlockRun, node: Node) -> str | Ended:
        held = is_held_out(turn.enrollment.ref, node)
        outcome = turn.outcome(node) or turn.set_outcome(node, {"held_back": held})
        return Ended("holdout") if outcome["held_back"] else str(node["next"])

    def _go_to(self, turn: BlockRun, node: Node) -> str:
        """Jump, unless that was done as often as it may be."""
        if "max" not in node:
            return str(node["to"])
        outcome = turn.outcome(node)
        if outcome is None:
            rounds = visit_count(turn.enrollment.outcomes, node["id"])
            outcome = turn.set_outcome(node, {"round": rounds + 1, "over": rounds >= node["max"]})
        return str(node["next"] if outcome["over"] else node["to"])

    def _report(self, turn: BlockRun, node: Node) -> str:
        """Decide what to report, write that down, and only then report it."""
        if turn.outcome(node) is None:
            turn.set_outcome(node, decide_event(node, turn.enrollment, turn.data()))
        turn.save(self.enrollments)
        key = outcome_key(node, turn.block_seq)
        outcome = turn.enrollment.outcomes[key]
        turn.apply_changes(*self.actor.report(turn.enrollment, key, outcome, turn.next_instant()))
        return str(node["next"])

    def _call(self, turn: BlockRun, node: Node) -> str | Ended:
        """Call somebody else, and write down what they said."""
        outcome = turn.outcome(node)
        if outcome is None:
            turn.save(self.enrollments)
            key = outcome_key(node, turn.block_seq)
            outcome = turn.set_outcome(
                node, self.actor.call(turn.enrollment, node, key, turn.data())
            )
            turn.save(self.enrollments)
        if "error" in outcome and node.get("on_failure") == "exit":
            return Ended(f"{node['id']}: {outcome['error']}")
        return str(node["next"])
