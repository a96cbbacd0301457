"""Steps: what each one does and where it leads. Waits are not here: at them a block ends.

Every decision is noted under the step's id before what follows from it happens, so that a block
that is run again finds it and decides nothing anew.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.conditions.evaluate import evaluate
from milepost.enrollments.chance import choose, held_back
from milepost.enrollments.condition_data import FactFinder
from milepost.enrollments.enrollment import visits
from milepost.enrollments.program import Node, outcome_key
from milepost.runtime.steps.actions import Actor
from milepost.runtime.steps.block_run import Turn
from milepost.runtime.steps.step_events import DEEDS, decide
from milepost.sending.send import Sender
from milepost.sending.send_job import Task

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments


LONGEST_WHY = 500
"""Characters of a reason that are kept: every later write of the enrollment is paid by its size."""


class Over(NamedTuple):
    """The enrollment is over, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Takes steps. Each answers with the id of the step it leads to, or with `Over`."""

    enrollments: "Enrollments"
    sender: Sender
    actor: Actor
    facts: FactFinder

    def take(self, turn: Turn, node: Node) -> str | Over:
        kind = node["type"]
        if kind in DEEDS:
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
                return Over(node["reason"])
        raise ValueError(f"no such step type: {kind}")

    def _send(self, turn: Turn, node: Node) -> str | Over:
        if "repeats" in node and turn.outcome(node) is None:
            turn.note(node, {"turn": turn.number})
        due = turn.began + turn.frozen
        task = Task(turn.program, turn.profile, turn.enrollment, node, turn.number, due)
        sent = self.sender.send(task, turn.journal())
        if sent.written:
            turn.written()
        turn.profile = sent.profile  # with this message among those that the next one is held to
        return Over(sent.over) if sent.over else str(node["next"])

    def _branch(self, turn: Turn, node: Node) -> str:
        outcome = turn.outcome(node) or turn.note(node, self._choose(turn, node))
        path = next((p for p in node["paths"] if p["name"] == outcome["path"]), None)
        return str(path["next"] if path else node["else"])

    def _choose(self, turn: Turn, node: Node) -> dict[str, Any]:
        asked = (path["if"] for path in node["paths"])
        facts = self.facts.inside(asked, turn.profile, turn.enrollment, turn.began)
        reasons = []
        for path in node["paths"]:
            verdict = evaluate(path["if"], facts)
            reasons.append(f"{path['name']}: {verdict.why}")
            if verdict.value:
                return {"path": path["name"], "why": verdict.why[:LONGEST_WHY]}
        return {"path": None, "why": "; ".join(reasons)[:LONGEST_WHY]}

    def _split(self, turn: Turn, node: Node) -> str:
        """The path that falls to this contact; noted, for reports ask for it."""
        weights = {path["name"]: path.get("weight", 1) for path in node["paths"]}
        chosen = choose(turn.enrollment.ref, node["id"], weights)
        outcome = turn.outcome(node) or turn.note(node, {"path": chosen})
        return str(next(p["next"] for p in node["paths"] if p["name"] == outcome["path"]))

    def _hold_out(self, turn: Turn, node: Node) -> str | Over:
        held = held_back(turn.enrollment.ref, node)
        outcome = turn.outcome(node) or turn.note(node, {"held_back": held})
        return Over("holdout") if outcome["held_back"] else str(node["next"])

    def _go_to(self, turn: Turn, node: Node) -> str:
        """Jump, unless that was done as often as it may be."""
        if "max" not in node:
            return str(node["to"])
        outcome = turn.outcome(node)
        if outcome is None:
            rounds = visits(turn.enrollment.outcomes, node["id"])
            outcome = turn.note(node, {"round": rounds + 1, "over": rounds >= node["max"]})
        return str(node["next"] if outcome["over"] else node["to"])

    def _report(self, turn: Turn, node: Node) -> str:
        """Decide what to report, write that down, and only then report it."""
        if turn.outcome(node) is None:
            turn.note(node, decide(node, turn.enrollment, turn.data()))
        turn.flush(self.enrollments)
        key = outcome_key(node, turn.number)
        outcome = turn.enrollment.outcomes[key]
        turn.learn(*self.actor.report(turn.enrollment, key, outcome, turn.moment()))
        return str(node["next"])

    def _call(self, turn: Turn, node: Node) -> str | Over:
        """Call somebody else, and write down what they said."""
        outcome = turn.outcome(node)
        if outcome is None:
            turn.flush(self.enrollments)
            key = outcome_key(node, turn.number)
            outcome = turn.note(node, self.actor.call(turn.enrollment, node, key, turn.data()))
            turn.flush(self.enrollments)
        if "error" in outcome and node.get("on_failure") == "exit":
            return Over(f"{node['id']}: {outcome['error']}")
        return str(node["next"])
