"""Who enters a workflow, and what ends their stay: decisions as values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from milepost.domain.conditions import Facts, evaluate
from milepost.domain.contacts import Presence, Profile
from milepost.domain.durations import parse_duration, say_duration
from milepost.domain.events import Event
from milepost.domain.paths import MISSING, look_up
from milepost.domain.program import Program
from milepost.domain.refs import EnrollmentRef

FRESH = timedelta(days=1)
"""An event older than this enrolls nobody: history that is imported late is not news."""

Status = Literal["active", "completed", "exited", "failed"]


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One contact's way through one version of one workflow.

    `since` is when the triggering event happened: what the contact did later counts as done
    inside, however late the event reached us. `began` holds the instant each block first ran,
    `outcomes` what each step came to; a replayed block finds both and changes nothing. `machine`
    is the published state machine version it runs on.
    """

    ref: EnrollmentRef
    event_id: str
    event_name: str
    event_data: Mapping[str, Any]
    since: datetime
    entered_at: datetime
    key: str = ""
    machine: str = ""
    status: Status = "active"
    reason: str = ""
    began: Mapping[str, datetime] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def presence(self) -> Presence:
        """What the contact's profile keeps of it while it lasts."""
        ref = self.ref
        return Presence(ref.workflow, ref.version, self.event_id, self.since, self.machine)


@dataclass(frozen=True, slots=True)
class Enter:
    """The contact enters."""

    enrollment: Enrollment


@dataclass(frozen=True, slots=True)
class Refuse:
    """The contact does not enter, and why."""

    reason: str


def enrollment_id(store: str, workflow: str, contact: str, distinction: str) -> str:
    """A function of its arguments, so that a repeated event can only find what it began."""
    text = f"{store}\n{workflow}\n{contact}\n{distinction}"
    return "e" + sha256(text.encode()).hexdigest()[:31]


def may_enter(
    program: Program, profile: Profile, event: Event, facts: Facts, now: datetime
) -> Enter | Refuse | None:
    """Decide one entry; None when the event is not this workflow's business at all.

    `profile` already holds the event. `facts.event` is the event's data.
    """
    head = program.head
    trigger = head["trigger"]
    if trigger["type"] != "event" or trigger["event"] != event.name:
        return None
    if "where" in trigger:
        verdict = evaluate(trigger["where"], facts)
        if not verdict.value:
            return Refuse(f"trigger: {verdict.why}")
    if now - event.occurred_at > FRESH:
        return Refuse(f"the event is {say_duration(now - event.occurred_at)} old, news is 1 day")
    key = key_of(program, event)
    if key is None:
        return Refuse(f"key: event.{trigger['key']} is missing")
    if refusal := _returning(head["reentry"], program.workflow, profile, event, key, now):
        return refusal
    for ending in endings(program):
        if _done_since(ending["event"], profile, event.occurred_at) and "where" not in ending:
            return Refuse(f"{ending['event']} has already happened since")
    if "audience" in head:
        verdict = evaluate(head["audience"], facts)
        if not verdict.value:
            return Refuse(f"audience: {verdict.why}")
    ref = EnrollmentRef(
        store=profile.store,
        contact=profile.contact,
        workflow=program.workflow,
        version=program.version,
        id=enrollment_id(
            profile.store, program.workflow, profile.contact, f"key {key}" if key else event.id
        ),
    )
    return Enter(
        Enrollment(
            ref=ref,
            event_id=event.id,
            event_name=event.name,
            event_data=event.data,
            since=event.occurred_at,
            entered_at=now,
            key=key,
        )
    )


def key_of(program: Program, event: Event) -> str | None:
    """What tells this contact's enrollments apart; empty if nothing, None if the event lacks it."""
    path = program.head["trigger"].get("key")
    if path is None:
        return ""
    value = look_up(event.data, path)
    if value is MISSING or value in (None, "") or isinstance(value, dict | list):
        return None
    return str(value)


def _returning(
    reentry: Mapping[str, Any],
    workflow: str,
    profile: Profile,
    event: Event,
    key: str,
    now: datetime,
) -> Refuse | None:
    if not key and any(
        presence.workflow == workflow and presence.event != event.id
        for presence in profile.inside.values()
    ):
        return Refuse("already inside")
    last = profile.entries.get(workflow)
    if last is None or reentry["allow"] == "always":
        return None
    if reentry["allow"] == "never":
        return Refuse("was here before, reentry is never")
    gap = parse_duration(reentry["after"])
    if now - last < gap:
        return Refuse(
            f"was here {say_duration(now - last)} ago, reentry is after {say_duration(gap)}"
        )
    return None


def endings(program: Program) -> Iterator[Mapping[str, Any]]:
    """The events that end an enrollment, the goal first, each with its `reason`."""
    goal = program.head.get("goal")
    if goal:
        yield {**goal, "reason": "goal reached"}
    for ending in program.head.get("exit_on", ()):
        yield {**ending, "reason": f"exit on {ending['event']}"}


def ended_by(program: Program, event: Event, since: datetime) -> str | None:
    """The reason why this event ends an enrollment that began at `since`, or None."""
    if event.occurred_at < since:
        return None
    for ending in endings(program):
        if ending["event"] != event.name:
            continue
        if "within" in ending and event.occurred_at - since > parse_duration(ending["within"]):
            continue
        facts = Facts(now=event.occurred_at, event=event.data)
        if "where" not in ending or evaluate(ending["where"], facts).value:
            return str(ending["reason"])
    return None


def _done_since(name: str, profile: Profile, since: datetime) -> bool:
    total = profile.totals.get(name)
    return total is not None and total.last > since
