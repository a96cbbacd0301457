"""Records what happens in a simulated world, in words.

It reads what the services wrote down: the ledger, the outcomes of steps, the ends of enrollments.
What kinds of steps there are is of no concern here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from milepost.base import instants, languages
from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.event import Event
from milepost.enrollments.enrollment import Enrollment, ResumePoint
from milepost.enrollments.executions import resumes_mid_block
from milepost.enrollments.program import END, Node, outcome_key
from milepost.enrollments.step_flow import event_of, flow_of, is_wait
from milepost.published.head import Published
from milepost.runtime.react import AppliedEvent
from milepost.simulator.memory.mailer import MemoryMailer
from milepost.simulator.memory.state import ContactsTable, enrollment_key
from milepost.simulator.trace import EnrollmentTrace, Kind, SentMail, Trace, TraceEntry
from milepost.simulator.virtual_clock import VirtualClock

SENT = {"accepted", "unknown"}


@dataclass(slots=True)
class SimulationRecorder:
    """Turns what the services have stored into the moments of a life."""

    clock: VirtualClock
    state: ContactsTable
    registry: Published
    mailer: MemoryMailer
    trace: Trace
    moments: list[TraceEntry] = field(default_factory=list)
    mails: list[SentMail] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    _messages: int = 0
    _unnoted: dict[str, MessageRef] = field(default_factory=dict)
    _noted_steps: dict[str, int] = field(default_factory=dict)
    _waits_for: dict[str, str] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)
    _ends: tuple[str, str] = ("", "")

    def life(self, began: datetime) -> EnrollmentTrace:
        ends, reason = self._ends
        held = list(self.state.enrollments.values())
        if held:
            ends, reason = held[-1].status, held[-1].reason
        return EnrollmentTrace(
            began, tuple(self.moments), tuple(self.mails), tuple(self.path), ends, reason
        )

    # --- what the world tells ---

    def reacted(self, event: Event, reaction: AppliedEvent) -> None:
        self._note("event", "", event.name, {"event": event.name, "data": dict(event.data)})
        for workflow, reason in reaction.refused:
            self._ends = ("refused", reason)
            self._note("refused", "", f"does not enter {workflow}: {reason}", {"reason": reason})
        for id_ in reaction.entered:
            self._note("enters", "", f"enters {self._enrollment(id_).ref.workflow}", {})
        for id_ in reaction.ended:
            self._left(self._enrollment(id_))

    def block_starts(self, ref: EnrollmentRef, turn: int, leg: int) -> None:
        """A block is about to be run, perhaps once more."""
        enrollment = self.state.enrollments[enrollment_key(ref)]
        active = enrollment.status == "active" and enrollment.execution_no == leg
        self.trace.begin(over=not active)
        step = self._waits_for.pop(ref.id, "")
        if step and active:
            node = self.registry.program(ref.store, ref.workflow, ref.version).nodes[step]
            if outcome_key(node, turn) not in enrollment.outcomes:
                said = f"no {event_of(node)} within {node.get('timeout') or 'its time'}"
                self._note("time-out", step, said, {})

    def block_failed(self, ref: EnrollmentRef, turn: int) -> None:
        """The block has failed at its last step, and will be run again from its beginning.

        What is stored of it is noted now, and all else when it is run again.
        """
        outcomes = self.state.enrollments[enrollment_key(ref)].outcomes
        nodes = self.registry.program(ref.store, ref.workflow, ref.version).nodes
        self._find_messages()
        stored = self.trace.steps[:-1]
        while stored and not (
            stored[-1] in self._unnoted or outcome_key(nodes[stored[-1]], turn) in outcomes
        ):
            stored.pop()
        self._take_steps(ref, turn, stored)

    def block_ran(self, ref: EnrollmentRef, turn: int, answer: Mapping[str, Any]) -> None:
        """The block has come to rest, or was given up; `answer` is what `run_steps` returned."""
        enrollment = self.state.enrollments[enrollment_key(ref)]
        start = enrollment.resume_point
        again = resumes_mid_block(enrollment)
        put_off = again is not None and again.due > self.clock.now
        self._find_messages()
        self._take_steps(ref, turn, self.trace.steps[:-1] if put_off else self.trace.steps)
        if not put_off:
            self._noted_steps.pop(ref.id)
        nodes = self.registry.program(ref.store, ref.workflow, ref.version).nodes
        if enrollment.status != "active":
            self._left(enrollment)
        elif again is not None and put_off:
            self._waits_for_its_hour(again)
        elif start is not None and start.step and start.block_seq == turn + 1:
            self._waits(ref, nodes[start.step], start.due)  # which ends the execution
        elif answer["next"] != END:
            self._waits(ref, nodes[answer["next"]], instants.parse_instant(answer["until"]))

    def execution_failed(self, ref: EnrollmentRef) -> None:
        enrollment = self.state.enrollments[enrollment_key(ref)]
        if enrollment.status != "active":
            self._left(enrollment)

    def _take_steps(self, ref: EnrollmentRef, turn: int, steps: list[str]) -> None:
        """Note the steps of a block but for those that are noted already: a block that is put off
        or fails is run again from its beginning."""
        noted = self._noted_steps.get(ref.id, 0)
        self._noted_steps[ref.id] = max(noted, len(steps))
        enrollment = self.state.enrollments[enrollment_key(ref)]
        nodes = self.registry.program(ref.store, ref.workflow, ref.version).nodes
        for name in steps[noted:]:
            self.path.append(name)
            outcome = enrollment.outcomes.get(outcome_key(nodes[name], turn))
            if name in self._unnoted:
                self._mail(name, self._unnoted.pop(name))
            elif outcome is not None and not is_wait(nodes[name]):
                self._decided(name, outcome)

    # --- the sentences ---

    def _decided(self, step: str, outcome: Mapping[str, Any]) -> None:
        if "path" in outcome:
            way = f'takes "{outcome["path"]}"' if outcome["path"] else "takes no path"
            why = outcome.get("why")
            self._note("decides", step, f"{way}: {why}" if why else way, outcome)
        elif "held_back" in outcome:
            said = "keeps the contact back" if outcome["held_back"] else "lets the contact go on"
            self._note("decides", step, said, outcome)
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
            counted = [f"{name} {held}" for name, held in numbers.items() if " of " in f"{held}"]
            why = [numbers["why"]] if "why" in numbers else counted
            said = ", ".join([f"{message['status']}: {reason}", *why])
            detail = {"status": message["status"], "reason": reason, "numbers": dict(numbers)}
            self._note("no mail", step, said, detail)
            return
        mailed = SentMail(self.clock.now, step, mail.to, mail.subject, self._locale(ref, message))
        self.mails.append(mailed)
        numbers = dict(message.get("numbers", {}))
        detail = {
            "to": mail.to, "subject": mail.subject, "locale": mailed.locale, "numbers": numbers
        }  # fmt: skip
        self._note("mails", step, f'"{mail.subject}" to {mail.to}', detail)

    def _locale(self, ref: MessageRef, message: Mapping[str, Any]) -> str:
        """The language the template spoke: chosen as the renderer chooses it."""
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
            said = f"waits for {event}, until {_shown(until)}"
            detail = {"event": event, "until": instants.format_instant(until)}
        else:
            said = f"waits until {_shown(until)}"
            detail = {"until": instants.format_instant(until)}
        self._note("waits", node["id"], said, detail)

    def _waits_for_its_hour(self, start: ResumePoint) -> None:
        step, _, reason = start.deferred.partition(": ")
        detail = {"reason": reason, "until": instants.format_instant(start.due)}
        self._note("deferred", step, f"{reason}: waits until {_shown(start.due)}", detail)

    def _left(self, enrollment: Enrollment) -> None:
        if enrollment.ref.id in self._over:
            return
        self._over.add(enrollment.ref.id)
        reason = f": {enrollment.reason}" if enrollment.reason else ""
        detail = {"status": enrollment.status, "reason": enrollment.reason}
        said = f"leaves {enrollment.ref.workflow}, {enrollment.status}{reason}"
        self._note("leaves", "", said, detail)

    def _note(self, kind: Kind, step: str, text: str, detail: Mapping[str, Any]) -> None:
        self.moments.append(TraceEntry(self.clock.now, kind, step, text, detail))

    # --- what is new ---

    def _find_messages(self) -> None:
        """Find the messages decided since the last look; a step's own has not been noted yet."""
        refs = list(self.state.messages)[self._messages :]
        self._messages += len(refs)
        self._unnoted |= {self.state.messages[ref]["step"]: ref for ref in refs}

    def _enrollment(self, id_: str) -> Enrollment:
        return next(held for held in self.state.enrollments.values() if held.ref.id == id_)


def _in_words(outcome: Mapping[str, Any]) -> str:
    """`round 2, over` for {"round": 2, "over": true}: what is false goes without saying."""
    said = (key if value is True else f"{key} {value}" for key, value in outcome.items() if value)
    return ", ".join(said)


def _shown(instant: datetime) -> str:
    return f"{instant:%a %Y-%m-%d %H:%M}"
