"""Records what happens in a simulated world as readable trace entries.

It reads what the services stored: the ledger, the outcomes of steps, the ends of enrollments. It
does not depend on the types of steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from milepost.base import languages, times
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.contacts.event import Event
from milepost.enrollments.enrollment import Enrollment, ResumePoint, resumes_mid_block
from milepost.enrollments.program import END, Node, event_of, flow_of, is_wait, outcome_key
from milepost.published.head import Published
from milepost.runtime.react import AppliedEvent
from milepost.simulator.memory.mailer import MemoryMailer
from milepost.simulator.memory.state import ContactsTable, enrollment_key
from milepost.simulator.trace import EnrollmentTrace, Kind, SentMail, Trace, TraceEntry
from milepost.simulator.virtual_clock import VirtualClock

SENT = {"accepted", "unknown"}


@dataclass(slots=True)
class SimulationRecorder:
    """Turns what the services have stored into an enrollment trace."""

    clock: VirtualClock
    state: ContactsTable
    registry: Published
    mailer: MemoryMailer
    trace: Trace
    moments: list[TraceEntry] = field(default_factory=list)
    mails: list[SentMail] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    _messages: int = 0
    _unrecorded: dict[str, MessageRef] = field(default_factory=dict)
    _recorded_steps: dict[str, int] = field(default_factory=dict)
    _waits_for: dict[str, str] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)
    _ends: tuple[str, str] = ("", "")

    def enrollment_trace(self, began: datetime) -> EnrollmentTrace:
        ends, reason = self._ends
        stored = list(self.state.enrollments.values())
        if stored:
            ends, reason = stored[-1].status, stored[-1].reason
        return EnrollmentTrace(
            began, tuple(self.moments), tuple(self.mails), tuple(self.path), ends, reason
        )

    # --- calls of the world ---

    def reacted(self, event: Event, reaction: AppliedEvent) -> None:
        self._note("event", "", event.name, {"event": event.name, "data": dict(event.data)})
        for workflow, reason in reaction.refused:
            self._ends = ("refused", reason)
            self._note("refused", "", f"does not enter {workflow}: {reason}", {"reason": reason})
        for id_ in reaction.entered:
            self._note("enters", "", f"enters {self._enrollment(id_).ref.workflow}", {})
        for id_ in reaction.ended:
            self._left(self._enrollment(id_))

    def block_starts(self, ref: EnrollmentRef, block_seq: int, execution_no: int) -> None:
        """A block run starts, possibly a repetition."""
        enrollment = self.state.enrollments[enrollment_key(ref)]
        active = enrollment.status == "active" and enrollment.execution_no == execution_no
        self.trace.begin(over=not active)
        step = self._waits_for.pop(ref.id, "")
        if step and active:
            node = self.registry.program(ref.store, ref.workflow, ref.version).nodes[step]
            if outcome_key(node, block_seq) not in enrollment.outcomes:
                text = f"no {event_of(node)} within {node.get('timeout') or 'its time'}"
                self._note("time-out", step, text, {})

    def block_failed(self, ref: EnrollmentRef, block_seq: int) -> None:
        """The block failed at its last step and will be run again from its start.

        The steps with stored results are recorded now, the others by the next run.
        """
        outcomes = self.state.enrollments[enrollment_key(ref)].outcomes
        nodes = self.registry.program(ref.store, ref.workflow, ref.version).nodes
        self._find_messages()
        stored = self.trace.steps[:-1]
        while stored and not (
            stored[-1] in self._unrecorded or outcome_key(nodes[stored[-1]], block_seq) in outcomes
        ):
            stored.pop()
        self._record_steps(ref, block_seq, stored)

    def block_ran(self, ref: EnrollmentRef, block_seq: int, answer: Mapping[str, Any]) -> None:
        """The block has ended or was abandoned. `answer` is the result of `run_steps`."""
        enrollment = self.state.enrollments[enrollment_key(ref)]
        start = enrollment.resume_point
        deferral = resumes_mid_block(enrollment)
        deferred = deferral is not None and deferral.due > self.clock.now
        self._find_messages()
        self._record_steps(ref, block_seq, self.trace.steps[:-1] if deferred else self.trace.steps)
        if not deferred:
            self._recorded_steps.pop(ref.id)
        nodes = self.registry.program(ref.store, ref.workflow, ref.version).nodes
        if enrollment.status != "active":
            self._left(enrollment)
        elif deferral is not None and deferred:
            self._deferred(deferral)
        elif start is not None and start.step and start.block_seq == block_seq + 1:
            self._waits(ref, nodes[start.step], start.due)  # the enrollment is suspended
        elif answer["next"] != END:
            self._waits(ref, nodes[answer["next"]], times.parse_instant(answer["until"]))

    def execution_failed(self, ref: EnrollmentRef) -> None:
        enrollment = self.state.enrollments[enrollment_key(ref)]
        if enrollment.status != "active":
            self._left(enrollment)

    def _record_steps(self, ref: EnrollmentRef, block_seq: int, steps: list[str]) -> None:
        """Record the steps of a block that are not recorded yet.

        A deferred or failed block is run again from its start.
        """
        recorded = self._recorded_steps.get(ref.id, 0)
        self._recorded_steps[ref.id] = max(recorded, len(steps))
        enrollment = self.state.enrollments[enrollment_key(ref)]
        nodes = self.registry.program(ref.store, ref.workflow, ref.version).nodes
        for name in steps[recorded:]:
            self.path.append(name)
            outcome = enrollment.outcomes.get(outcome_key(nodes[name], block_seq))
            if name in self._unrecorded:
                self._mail(name, self._unrecorded.pop(name))
            elif outcome is not None and not is_wait(nodes[name]):
                self._decided(name, outcome)

    # --- texts ---

    def _decided(self, step: str, outcome: Mapping[str, Any]) -> None:
        if "path" in outcome:
            path = f'takes "{outcome["path"]}"' if outcome["path"] else "takes no path"
            why = outcome.get("why")
            self._note("decides", step, f"{path}: {why}" if why else path, outcome)
        elif "held_back" in outcome:
            text = "keeps the contact back" if outcome["held_back"] else "lets the contact go on"
            self._note("decides", step, text, outcome)
        elif "event" in outcome:
            self._note("decides", step, f"reports {outcome['event']}", outcome)
        else:
            self._note("decides", step, _in_words(outcome) or "done", outcome)

    def _mail(self, step: str, ref: MessageRef) -> None:
        message = self.state.messages[ref]
        mail = next((m for m, _ in reversed(self.mailer.handed) if m.ref == ref), None)
        if mail is None or message["status"] not in SENT:
            reason = message.get("reason", message["status"])
            numbers = message.get("numbers", {})
            counts = [f"{name} {value}" for name, value in numbers.items() if " of " in f"{value}"]
            why = [numbers["why"]] if "why" in numbers else counts
            text = ", ".join([f"{message['status']}: {reason}", *why])
            detail = {"status": message["status"], "reason": reason, "numbers": dict(numbers)}
            self._note("no mail", step, text, detail)
            return
        mailed = SentMail(self.clock.now, step, mail.to, mail.subject, self._locale(ref, message))
        self.mails.append(mailed)
        numbers = dict(message.get("numbers", {}))
        detail = {
            "to": mail.to,
            "subject": mail.subject,
            "locale": mailed.locale,
            "numbers": numbers,
        }
        self._note("mails", step, f'"{mail.subject}" to {mail.to}', detail)

    def _locale(self, ref: MessageRef, message: Mapping[str, Any]) -> str:
        """The language of the mail, chosen as the renderer chooses it."""
        name, version = message["template"], message["template_hash"]
        template = self.registry.template(ref.store, name, version).version
        wanted = self.state.profile(ref.store, ref.contact).get("locale")
        return languages.choose(wanted, template.packed, template.default_locale)

    def _waits(self, ref: EnrollmentRef, node: Node, until: datetime) -> None:
        wait = flow_of(node).wait
        event = wait.event(node) if wait else None
        if wait is not None and event is not None:
            self._waits_for[ref.id] = node["id"]
            until = self.clock.now + (wait.bound(node) or timedelta())
            text = f"waits for {event}, until {_shown(until)}"
            detail = {"event": event, "until": times.format_instant(until)}
        else:
            text = f"waits until {_shown(until)}"
            detail = {"until": times.format_instant(until)}
        self._note("waits", node["id"], text, detail)

    def _deferred(self, start: ResumePoint) -> None:
        step, _, reason = start.deferred.partition(": ")
        detail = {"reason": reason, "until": times.format_instant(start.due)}
        self._note("deferred", step, f"{reason}: waits until {_shown(start.due)}", detail)

    def _left(self, enrollment: Enrollment) -> None:
        if enrollment.ref.id in self._over:
            return
        self._over.add(enrollment.ref.id)
        reason = f": {enrollment.reason}" if enrollment.reason else ""
        detail = {"status": enrollment.status, "reason": enrollment.reason}
        text = f"leaves {enrollment.ref.workflow}, {enrollment.status}{reason}"
        self._note("leaves", "", text, detail)

    def _note(self, kind: Kind, step: str, text: str, detail: Mapping[str, Any]) -> None:
        self.moments.append(TraceEntry(self.clock.now, kind, step, text, detail))

    # --- lookups ---

    def _find_messages(self) -> None:
        """Find the messages decided since the last call. Their steps are not recorded yet."""
        refs = list(self.state.messages)[self._messages :]
        self._messages += len(refs)
        self._unrecorded |= {self.state.messages[ref]["step"]: ref for ref in refs}

    def _enrollment(self, id_: str) -> Enrollment:
        return next(stored for stored in self.state.enrollments.values() if stored.ref.id == id_)


def _in_words(outcome: Mapping[str, Any]) -> str:
    """`round 2, over` for {"round": 2, "over": true}. False values are left out."""
    parts = (key if value is True else f"{key} {value}" for key, value in outcome.items() if value)
    return ", ".join(parts)


def _shown(instant: datetime) -> str:
    return f"{instant:%a %Y-%m-%d %H:%M}"
