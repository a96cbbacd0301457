"""One story: who it is about, what happens when, and what comes of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from milepost.api.event_body import RefusedEventError
from milepost.base import instants
from milepost.base.durations import parse_duration
from milepost.base.problems import Problem, did_you_mean
from milepost.contacts.changes import Change
from milepost.contacts.event_names import CONTACT
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
"""Things that may happen: a year of waiting for an hour each time is the half of it."""

_TOLD_APART = {"email", "consents_to", "properties", "lists", "stage", "frequency"}

STORE = "simulated"
"""What a store is called that has no name of its own here."""


def run_case(
    workflow: str,
    tale: CaseInput,
    deployment: Deployment,
    *,
    store: str = STORE,
    seed: int = 0,
    most: int = MAX_EVENTS,
) -> tuple[EnrollmentTrace, list[Problem]]:
    """Everything that comes of a tale, and what of it could not happen.

    `deployment` has the workflow live in `store`. Another `seed` is another chance, where a
    workflow leaves something to chance. After `most` things have happened it is broken off.
    """
    start = instants.parse_instant(tale.start)
    registry = deployment.registry
    live = registry.head(store).workflows[workflow]
    program = registry.program(store, workflow, live.version)
    times = [_instant(happening, start) for happening in tale.events]
    world = World(deployment, store, min([start, *times]), seed, most)
    telling = _Telling(tale, program, world)
    world.clock.at(start, telling.begin)
    for number, (happening, at) in enumerate(zip(tale.events, times, strict=True)):
        world.clock.at(at, partial(telling.happen, number, happening))
    try:
        world.clock.run_out()
    except EndlessError as endless:
        telling.problems.append(Problem("steps", str(endless)))
    life = world.recorder.life(start)._replace(action_count=world.clock.actions)
    return life, telling.problems


def trigger_data(program: Program) -> dict[str, Any]:
    """The data that a trigger asks for word for word: the name of a list, of a form."""
    trigger = program.options["trigger"]
    if trigger["type"] == "event":
        return {}  # it is the shop's own, and the story says what is in it
    if trigger["type"] == "manual":
        return {"workflow": program.workflow}
    where = trigger.get("where") or {}
    return {
        condition["event"]: condition["is"]
        for condition in where.get("all", [where])
        if set(condition) == {"event", "is"} and "." not in condition["event"]
    }


class _Telling:
    """A tale while it is told."""

    def __init__(self, tale: CaseInput, program: Program, world: World) -> None:
        self.tale, self.program, self.world = tale, program, world
        self.problems: list[Problem] = []
        self._known = False

    def begin(self) -> None:
        """Report the event that the trigger names; for a change of the contact, that change."""
        self._check_topics()
        event, data = self.program.options["trigger"]["event"], self.tale.trigger
        if event != ANY_EVENT:
            self._event("trigger", event, {**trigger_data(self.program), **data})
            return
        if not self._known:
            self._event("contact", CONTACT, {})
        if data:
            self._event("trigger", CONTACT, {}, data)

    def _check_topics(self) -> None:
        """A yes to a topic that the store does not have is a slip, and no story."""
        topics = self.world.registry.head(self.world.store).settings.topics or {}
        for number, topic in enumerate(self.tale.contact.consents_to):
            if topic not in topics:
                reason = f'settings.json has no topic "{topic}"'
                place = f"contact.consents_to[{number}]"
                self.problems.append(Problem(place, reason, did_you_mean(topic, topics)))

    def happen(self, number: int, happening: CaseEvent) -> None:
        place = f"events[{number}]"
        if happening.event is not None:
            self._event(place, happening.event, happening.properties or {})
            return
        deed, step = next(_deeds(happening))
        mail = self.world.mail_of(step)
        if mail is None:
            reason = f'no mail of step "{step}" has gone out by then'
            self.problems.append(Problem(f"{place}.{deed}", reason))
        elif deed == "unsubscribes":
            self.world.unsubscribe(mail)
        else:
            url = self.world.registry.head(self.world.store).settings.url
            link = (happening.link or url) if deed == "clicks" else ""
            self.world.report(mail, REPORTS[deed], link)

    def _event(
        self,
        place: str,
        name: str,
        data: Mapping[str, Any],
        changed: Mapping[str, Any] | None = None,
    ) -> None:
        contact = self._contact() | ({"properties": changed} if changed else {})
        try:
            self.world.event(name, data, contact, place, () if self._known else self._held())
            self._known = True
        except RefusedEventError as refused:
            field_ = refused.field or ""
            where = field_ if field_.startswith("contact") else place
            self.problems.append(Problem(where, str(refused)))

    def _held(self) -> tuple[Change, ...]:
        """What no event of the shop's would tell."""
        person = self.tale.contact
        said = {**{f"lists.{name}": True for name in person.lists}, "stage": person.stage}
        said[FREQUENCY] = person.frequency
        return tuple(Change("set", name, value) for name, value in said.items() if value)

    def _contact(self) -> dict[str, Any]:
        """The contact as events tell of it: all at first, and later on who it is."""
        person = self.tale.contact.model_dump(exclude_none=True, exclude=_TOLD_APART)
        if self.tale.contact.email:
            person["email"] = self.tale.contact.email
        if self._known:
            return {k: v for k, v in person.items() if k in {"email", "external_id", "phone"}}
        now = instants.format_instant(self.world.clock.now)
        said = {"state": "granted", "at": now, "method": "simulation", "source": "simulation"}
        consent = [{"topic": topic, **said} for topic in self.tale.contact.consents_to]
        return {**person, "properties": self.tale.contact.properties, "consent": consent}


def _deeds(happening: CaseEvent) -> Iterator[tuple[str, str]]:
    for deed in (*REPORTS, "unsubscribes"):
        step = getattr(happening, deed)
        if step is not None:
            yield deed, step


def _instant(happening: CaseEvent, start: datetime) -> datetime:
    if happening.at is not None:
        return instants.parse_instant(happening.at)
    if happening.before is not None:
        return start - parse_duration(happening.before)
    return start + parse_duration(happening.after or "")
