"""Run: one block of a workflow for one contact, from its entry to the next wait or the end.

Step Functions may run a block again from the start, after a crash at any line. So the block's
first instant and the outcome of each step are written down before anything that follows from
them happens, and a second run finds them instead of deciding anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from milepost.domain import instants
from milepost.domain.conditions import evaluate
from milepost.domain.contacts import Profile
from milepost.domain.enrollments import Enrollment, Status
from milepost.domain.program import END, Node, Program, blocks
from milepost.domain.refs import EnrollmentRef
from milepost.domain.schedule import delay_ends
from milepost.domain.settings import StoreSettings
from milepost.ports import Busy, Enrollments, Journal, Registry
from milepost.services.facts import FactFinder
from milepost.services.send import Sender, Task

MOMENT = timedelta(milliseconds=1)
"""Instants are kept to the millisecond."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a block came to rest: a waiting node or END.

    `until` is when a delay is over, `since` the instant from which a wait counts events.
    """

    next: str
    since: datetime
    until: datetime


@dataclass(slots=True)
class _Pass:
    """One pass over a block: what is known, and what is not yet written."""

    ref: EnrollmentRef
    program: Program
    profile: Profile
    enrollment: Enrollment
    began: datetime
    settings: StoreSettings
    unwritten: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    begun_now: bool = False

    def journal(self, entry: str) -> Journal:
        return Journal({entry: self.began} if self.begun_now else {}, dict(self.unwritten))

    def written(self) -> None:
        self.unwritten.clear()
        self.begun_now = False


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs blocks. `now` is asked for every message, so that the gate decides on the present."""

    enrollments: Enrollments
    registry: Registry
    sender: Sender
    facts: FactFinder
    now: Callable[[], datetime]

    def run(self, ref: EnrollmentRef, entry: str) -> Stop:
        """Run the block; raises `Busy` when it has to be tried again later."""
        program = self.registry.program(ref.store, ref.workflow, ref.version)
        loaded = self.enrollments.load(ref)
        if loaded is None:
            raise Busy(f"enrollment {ref.id} is not there yet")
        profile, enrollment = loaded
        if enrollment.status != "active":
            return self._drain(program, entry)
        began = enrollment.began.get(entry)
        step = _Pass(
            ref=ref,
            program=program,
            profile=profile,
            enrollment=enrollment,
            began=began or self.now(),
            settings=self.registry.head(ref.store).settings,
            begun_now=began is None,
        )
        return self._walk(step, entry)

    def give_up(self, ref: EnrollmentRef, cause: str) -> None:
        """End an enrollment whose machine failed for good: nobody is left behind unseen."""
        self.enrollments.finish(ref, "failed", cause[:200], self.now())

    def send_again(self, ref: EnrollmentRef, step: str) -> None:
        """Send a transactional message whose outcome stayed unknown a second and last time."""
        program = self.registry.program(ref.store, ref.workflow, ref.version)
        loaded = self.enrollments.load(ref)
        if loaded is not None:
            profile, enrollment = loaded
            self.sender.send_again(Task(program, profile, enrollment, program.nodes[step]))

    def _walk(self, step: _Pass, entry: str) -> Stop:
        name = entry
        while name != END:
            node = step.program.nodes[name]
            match node["type"]:
                case "delay" | "wait_for":
                    self._flush(step, entry)
                    return self._rest(step, node)
                case "branch":
                    name = self._choose(step, node)
                case "send_email":
                    over = self.sender.send(
                        Task(step.program, step.profile, step.enrollment, node),
                        step.journal(entry),
                    )
                    step.written()
                    if over:
                        return self._finish(step, entry, "exited", over)
                    name = node["next"]
                case "exit":
                    self._flush(step, entry)
                    return self._finish(step, entry, "exited", node["reason"])
                case other:
                    raise ValueError(f"no such step type: {other}")
        self._flush(step, entry)
        return self._finish(step, entry, "completed", "")

    def _choose(self, step: _Pass, node: Node) -> str:
        outcome = step.enrollment.outcomes.get(node["id"])
        if outcome is None:
            outcome = self._decide(step, node)
            step.unwritten[node["id"]] = outcome
        path = next((p for p in node["paths"] if p["name"] == outcome["path"]), None)
        return str(path["next"] if path else node["else"])

    def _decide(self, step: _Pass, node: Node) -> dict[str, Any]:
        reasons = []
        facts = self.facts.inside(
            (path["if"] for path in node["paths"]), step.profile, step.enrollment, step.began
        )
        for path in node["paths"]:
            verdict = evaluate(path["if"], facts)
            reasons.append(f"{path['name']}: {verdict.why}")
            if verdict.value:
                return {"path": path["name"], "why": verdict.why}
        return {"path": None, "why": "; ".join(reasons)}

    def _rest(self, step: _Pass, node: Node) -> Stop:
        if node["type"] == "wait_for":
            return Stop(node["id"], _counts_from(step, node["event"]), step.began)
        zone = step.profile.get("timezone")
        until = delay_ends(node, step.began, zone, step.settings.timezone)
        return Stop(node["id"], step.began, until)

    def _flush(self, step: _Pass, entry: str) -> None:
        journal = step.journal(entry)
        if journal.began or journal.outcomes:
            self.enrollments.write(step.ref, journal)
            step.written()

    def _finish(self, step: _Pass, entry: str, status: Status, reason: str) -> Stop:
        self.enrollments.finish(step.ref, status, reason, self.now())
        return self._drain(step.program, entry)

    def _drain(self, program: Program, entry: str) -> Stop:
        """The enrollment is over: lead its machine to the end by the shortest way.

        A block with one exit has no Choice to leave by; its wait then ends at once.
        """
        exits = blocks(program)[entry].exits
        return Stop(END if END in exits else exits[0], self.now(), self.now())


def _counts_from(step: _Pass, event: str) -> datetime:
    """The instant from which a wait counts events: after the one that an earlier wait has met.

    Its time may be ahead of ours, and it would then seem to lie inside the block it led to.
    """
    met = [o["at"] for o in step.enrollment.outcomes.values() if o.get("event") == event]
    return max([step.began, *(instants.parse(at) + MOMENT for at in met)])
