"""Runs one test case: a contact and timed events, in a simulated world."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from milepost.api.event_body import RefusedEventError
from milepost.base import times as instants
from milepost.base.problems import Problem, did_you_mean
from milepost.base.times import parse_duration
from milepost.contacts.event_names import CONTACT
from milepost.contacts.fields import Change
from milepost.contacts.preferences import FREQUENCY
from milepost.enrollments.program import Program
from milepost.enrollments.trigger_types import ANY_EVENT
from milepost.sending.message import Reported
from milepost.simulator.file import CaseEvent, CaseInput
from milepost.simulator.trace import EnrollmentTrace
from milepost.simulator.virtual_clock import EndlessError
from milepost.simulator.world import Deployment, World

REPORTS: Mapping[str, Reported] = {
    "opens": "opened",
    "clicks": "clicked",
    "bounces": "bounced",
    "complains": "complained",
}
MAX_EVENTS = 50_000
"""The action limit of a case. A year of one-hour waits needs half of it."""

_NOT_IN_EVENTS = {"email", "consents_to", "properties", "lists", "stage", "frequency"}

STORE = "simulated"
"""The name of a simulated store."""


def run_case(
    workflow: str,
    case: CaseInput,
    deployment: Deployment,
    *,
    store: str = STORE,
    seed: int = 0,
    most: int = MAX_EVENTS,
) -> tuple[EnrollmentTrace, list[Problem]]:
    """Run a case and return its trace, and the problems of events that were impossible.

    `deployment` has the workflow live in `store`. `seed` changes the outcome of splits and
    holdouts. The run stops after `most` actions.
    """
    start = instants.parse_instant(case.start)
    registry = deployment.registry
    live = registry.head(store).workflows[workflow]
    program = registry.program(store, workflow, live.version)
    times = [_instant(event_input, start) for event_input in case.events]
    world = World(deployment, store, min([start, *times]), seed, most)
    run = _CaseRun(case, program, world)
    world.clock.at(start, run.begin)
    for number, (event_input, at) in enumerate(zip(case.events, times, strict=True)):
        world.clock.at(at, partial(run.happen, number, event_input))
    try:
        world.clock.run_out()
    except EndlessError as endless:
        run.problems.append(Problem("steps", str(endless)))
    trace = world.recorder.enrollment_trace(start)._replace(action_count=world.clock.actions)
    return trace, run.problems


def trigger_data(program: Program) -> dict[str, Any]:
    """The event data that the trigger requires literally, such as the name of a list or form."""
    trigger = program.options["trigger"]
    if trigger["type"] == "event":
        return {}  # the case defines the data of a shop's own event
    if trigger["type"] == "manual":
        return {"workflow": program.workflow}
    where = trigger.get("where") or {}
    return {
        condition["event"]: condition["is"]
        for condition in where.get("all", [where])
        if set(condition) == {"event", "is"} and "." not in condition["event"]
    }


class _CaseRun:
    """A case that is running."""

    def __init__(self, case: CaseInput, program: Program, world: World) -> None:
        self.case, self.program, self.world = case, program, world
        self.problems: list[Problem] = []
        self._known = False

    def begin(self) -> None:
        """Send the event of the trigger; for a `contact` trigger, the change of the contact."""
        self._check_topics()
        event, data = self.program.options["trigger"]["event"], self.case.trigger
        if event != ANY_EVENT:
            self._event("trigger", event, {**trigger_data(self.program), **data})
            return
        if not self._known:
            self._event("contact", CONTACT, {})
        if data:
            self._event("trigger", CONTACT, {}, data)

    def _check_topics(self) -> None:
        """Report a consent to a topic that the store does not have."""
        topics = self.world.registry.head(self.world.store).settings.topics or {}
        for number, topic in enumerate(self.case.contact.consents_to):
            if topic not in topics:
                reason = f'settings.json has no topic "{topic}"'
                path = f"contact.consents_to[{number}]"
                self.problems.append(Problem(path, reason, did_you_mean(topic, topics)))

    def happen(self, number: int, event_input: CaseEvent) -> None:
        path = f"events[{number}]"
        if event_input.event is not None:
            self._event(path, event_input.event, event_input.properties or {})
            return
        action, step = next(_actions(event_input))
        mail = self.world.mail_of(step)
        if mail is None:
            reason = f'no mail of step "{step}" has gone out by then'
            self.problems.append(Problem(f"{path}.{action}", reason))
        elif action == "unsubscribes":
            self.world.unsubscribe(mail)
        else:
            url = self.world.registry.head(self.world.store).settings.url
            link = (event_input.link or url) if action == "clicks" else ""
            self.world.report(mail, REPORTS[action], link)

    def _event(
        self,
        path: str,
        name: str,
        data: Mapping[str, Any],
        changed: Mapping[str, Any] | None = None,
    ) -> None:
        contact = self._contact() | ({"properties": changed} if changed else {})
        try:
            self.world.event(
                name, data, contact, path, () if self._known else self._initial_changes()
            )
            self._known = True
        except RefusedEventError as refused:
            field_ = refused.field or ""
            location = field_ if field_.startswith("contact") else path
            self.problems.append(Problem(location, str(refused)))

    def _initial_changes(self) -> tuple[Change, ...]:
        """What the case says about the contact and shop events cannot say."""
        person = self.case.contact
        fields = {**{f"lists.{name}": True for name in person.lists}, "stage": person.stage}
        fields[FREQUENCY] = person.frequency
        return tuple(Change("set", name, value) for name, value in fields.items() if value)

    def _contact(self) -> dict[str, Any]:
        """The contact in an event: everything at first, later only the identifiers."""
        person = self.case.contact.model_dump(exclude_none=True, exclude=_NOT_IN_EVENTS)
        if self.case.contact.email:
            person["email"] = self.case.contact.email
        if self._known:
            return {k: v for k, v in person.items() if k in {"email", "external_id", "phone"}}
        now = instants.format_instant(self.world.clock.now)
        answer = {"state": "granted", "at": now, "method": "simulation", "source": "simulation"}
        consent = [{"topic": topic, **answer} for topic in self.case.contact.consents_to]
        return {**person, "properties": self.case.contact.properties, "consent": consent}


def _actions(event_input: CaseEvent) -> Iterator[tuple[str, str]]:
    for action in (*REPORTS, "unsubscribes"):
        step = getattr(event_input, action)
        if step is not None:
            yield action, step


def _instant(event_input: CaseEvent, start: datetime) -> datetime:
    if event_input.at is not None:
        return instants.parse_instant(event_input.at)
    if event_input.before is not None:
        return start - parse_duration(event_input.before)
    return start + parse_duration(event_input.after or "")
