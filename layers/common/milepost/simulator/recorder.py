"""Watches a simulated world, and tells what happens in it in words.

It reads what the services wrote down: the ledger, the outcomes of steps, the ends of enrollments.
What kinds of steps there are is of no concern here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from milepost.base import instants, languages
from milepost.base.durations import parse_duration
from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.event import Event
from milepost.enrollments.enrollment import Enrollment, Start
from milepost.enrollments.executions import runs_again
from milepost.enrollments.program import END, Node, outcome_key, waits
from milepost.published.head import Registry
from milepost.runtime.react import Reaction
from milepost.runtime.run_block import Stop
from milepost.simulator.memory.mailer import MemoryMailer
from milepost.simulator.memory.state import State, enrollment_key
from milepost.simulator.trace import Kind, Life, Mailed, Moment, Trace
from milepost.simulator.virtual_clock import Agenda

SENT = {"accepted", "unknown"}


@dataclass(slots=True)
class Watcher:
    """Implements `Onlooker`."""

    agenda: Agenda
    state: State
    registry: Registry
    mailer: MemoryMailer
    trace: Trace
    moments: list[Moment] = field(default_factory=list)
    mails: list[Mailed] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    _messages: int = 0
    _put_off: dict[str, int] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)
    _ends: tuple[str, str] = ("", "")

    def life(self, began: datetime) -> Life:
        ends, reason = self._ends
        held = list(self.state.enrollments.values())
        if held:
            ends, reason = held[-1].status, held[-1].reason
        return Life(began, tuple(self.moments), tuple(self.mails), tuple(self.path), ends, reason)

    # --- what the world tells ---

    def reacted(self, event: Event, reaction: Reaction) -> None:
        self._note("event", "", event.name, {"event": event.name, "data": dict(event.data)})
        for workflow, reason in reaction.refused:
            self._ends = ("refused", reason)
            self._note("refused", "", f"does not enter {workflow}: {reason}", {"reason": reason})
        for id_ in reaction.entered:
            self._note("enters", "", f"enters {self._enrollment(id_).ref.workflow}", {})
        for id_ in reaction.ended:
            self._left(self._enrollment(id_))

    def runs(self) -> None:
        self.trace.begin()

    def ran(self, ref: EnrollmentRef, turn: int, stop: Stop) -> None:
        program = self.registry.program(ref.store, ref.workflow, ref.version)
        enrollment = self.state.enrollments[enrollment_key(ref)]
        messages = dict(self._new_messages())
        steps = self.trace.steps[self._put_off.pop(ref.id, 0) :]
        start = enrollment.start
        if start is not None and runs_again(enrollment) and start.due > self.agenda.now:
            # The block will be run again from its beginning; what was seen is not seen twice.
            self._put_off[ref.id] = len(self.trace.steps) - 1
            steps.pop()
        self.path += steps
        for name in steps:
            outcome = enrollment.outcomes.get(outcome_key(program.nodes[name], turn))
            if name in messages:
                self._mail(name, *messages[name])
            elif outcome is not None and not waits(program.nodes[name]):
                self._decided(name, outcome)
        if enrollment.status != "active":
            self._left(enrollment)
        elif ref.id in self._put_off and start is not None:
            self._waits_for_its_hour(start)
        elif stop.next != END:
            self._waits(program.nodes[stop.next], stop)

    def timed_out(self, ref: EnrollmentRef, step: str) -> None:
        node = self.registry.program(ref.store, ref.workflow, ref.version).nodes[step]
        self._note("time-out", step, f"no {node['event']} within {node['timeout']}", {})

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

    def _mail(self, step: str, ref: MessageRef, message: Mapping[str, Any]) -> None:
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
        mailed = Mailed(self.agenda.now, step, mail.to, mail.subject, self._locale(ref, message))
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

    def _waits(self, node: Node, stop: Stop) -> None:
        if "timeout" in node:
            until = self.agenda.now + parse_duration(node["timeout"])
            said = f"waits for {node['event']}, until {_shown(until)}"
            detail = {"event": node["event"], "until": instants.show(until)}
        else:
            said = f"waits until {_shown(stop.until)}"
            detail = {"until": instants.show(stop.until)}
        self._note("waits", node["id"], said, detail)

    def _waits_for_its_hour(self, start: Start) -> None:
        step, _, reason = start.deferred.partition(": ")
        detail = {"reason": reason, "until": instants.show(start.due)}
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
        self.moments.append(Moment(self.agenda.now, kind, step, text, detail))

    # --- what is new ---

    def _new_messages(self) -> Iterator[tuple[str, tuple[MessageRef, Mapping[str, Any]]]]:
        """The messages decided since the last look, by step."""
        held = list(self.state.messages.items())[self._messages :]
        self._messages += len(held)
        for ref, message in held:
            yield message["step"], (ref, message)

    def _enrollment(self, id_: str) -> Enrollment:
        return next(held for held in self.state.enrollments.values() if held.ref.id == id_)


def _in_words(outcome: Mapping[str, Any]) -> str:
    """`round 2, over` for {"round": 2, "over": true}: what is false goes without saying."""
    said = (key if value is True else f"{key} {value}" for key, value in outcome.items() if value)
    return ", ".join(said)


def _shown(instant: datetime) -> str:
    return f"{instant:%a %Y-%m-%d %H:%M}"
