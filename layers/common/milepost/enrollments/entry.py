from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from milepost.base.durations import format_duration, parse_duration
from milepost.base.paths import MISSING, get_path
from milepost.base.refs import EnrollmentRef
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.event import Event
from milepost.contacts.event_names import (
    DATE,
    IMPORT_REVERTED,
    IMPORTED,
    INACTIVE,
    SCHEDULE,
    WORKFLOW_STARTED,
)
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.program import Program
from milepost.enrollments.time_triggers import time_trigger_key

EMITTED_BY = "_from"
"""Where the data of an event that a workflow reports says which step that was."""

MAX_CHAIN_DEPTH = 5
"""Workflows that may set each other going in a row: beyond that they go round in a circle."""

MAX_EVENT_AGE = timedelta(days=1)
"""An event older than this enrolls nobody: history that is imported late is not news."""

TARGETED_EVENTS = frozenset({DATE, INACTIVE, SCHEDULE, WORKFLOW_STARTED})
"""Events that are reported for the sake of a workflow, by somebody who has seen that it is live."""


class EntryAccepted(NamedTuple):
    """The contact enters."""

    enrollment: Enrollment


class EntryDenied(NamedTuple):
    """The contact does not enter, and why."""

    reason: str


def enrollment_id(store: str, workflow: str, contact: str, distinction: str) -> str:
    """A function of its arguments, so that a repeated event can only find what it began."""
    text = f"{store}\n{workflow}\n{contact}\n{distinction}"
    return "e" + sha256(text.encode()).hexdigest()[:31]


def trigger_matches(
    workflow: str,
    trigger: Mapping[str, Any],
    before: Profile | None,
    after: Profile,
    event: Event,
) -> bool:
    """Whether an event is what a workflow's trigger names; its `where` is asked by `decide_entry`.

    `before` and `after` are the contact without and with the event.
    """
    if trigger.get("type") == "contact":
        if event.source == "segment" and event.data.get("initial"):
            return False  # a rule that is new has found what had been so before
        return _changes(trigger, before.get if before else lambda _: None, after.get)
    if trigger.get("event") != event.name:
        return False
    return trigger["type"] != "manual" or is_targeted(workflow, trigger, event)


def is_targeted(workflow: str, trigger: Mapping[str, Any], event: Event) -> bool:
    """Whether an event is one of `TARGETED_EVENTS`, and for this workflow."""
    if event.name not in TARGETED_EVENTS or trigger.get("event") != event.name:
        return False
    if trigger["type"] == "manual":
        started = emitted_by(event.data).get("start") or event.data.get("workflow")
        return bool(started == workflow)
    return time_trigger_key(trigger) == event.data.get("occasion")


def _changes(
    trigger: Mapping[str, Any], before: Callable[[str], Any], after: Callable[[str], Any]
) -> bool:
    field = trigger["field"]
    old, new = before(field), after(field)
    if old == new or ("from" in trigger and old != trigger["from"]):
        return False
    if "crosses" in trigger:
        line = trigger["crosses"]
        return _number(new) is not None and (_number(old) or 0) < line <= (_number(new) or 0)
    return "to" not in trigger or bool(new == trigger["to"])


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def chain_depth(data: Mapping[str, Any]) -> int:
    """How many workflows in a row set each other going until this event."""
    deep = emitted_by(data).get("depth")
    return deep if isinstance(deep, int) else 0


def root_event(name: str, data: Mapping[str, Any]) -> str:
    """The name of the event that set the first of several workflows going, the last of which an
    event of this name and with this data is for."""
    first = emitted_by(data).get("began")
    return first if isinstance(first, str) else name


def emitted_by(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The step that reported an event; empty if none did, whatever a shop may have put there."""
    said = data.get(EMITTED_BY)
    return said if isinstance(said, Mapping) else {}


def decide_entry(
    program: Program, profile: Profile, event: Event, facts: EvaluationContext, now: datetime
) -> EntryAccepted | EntryDenied:
    """Decide one entry of an event that `trigger_matches` the workflow.

    `profile` already holds the event. `facts.event` is the event's data.
    """
    head = program.head
    trigger = head["trigger"]
    if event.source == "import" and event.name in {IMPORTED, IMPORT_REVERTED}:
        return EntryDenied("a file was imported: what it says is no news")
    if chain_depth(event.data) > MAX_CHAIN_DEPTH:
        return EntryDenied(f"loop guard: {MAX_CHAIN_DEPTH} workflows have set each other going")
    if "where" in trigger:
        verdict = evaluate(trigger["where"], facts)
        if not verdict.value:
            return EntryDenied(f"trigger: {verdict.reason}")
    told = event.source == "clock" and event.name == SCHEDULE  # a large segment takes its time
    if now - event.occurred_at > MAX_EVENT_AGE and not told:
        return EntryDenied(
            f"the event is {format_duration(now - event.occurred_at)} old, news is 1 day"
        )
    key = enrollment_key(program, event)
    if key is None:
        return EntryDenied(f"key: event.{trigger['key']} is missing")
    if refusal := _returning(head["reentry"], program.workflow, profile, event, key, now):
        return refusal
    for ending in exit_rules(program):
        if _done_since(ending["event"], profile, event.occurred_at) and "where" not in ending:
            return EntryDenied(f"{ending['event']} has already happened since")
    if "audience" in head:
        verdict = evaluate(head["audience"], facts)
        if not verdict.value:
            return EntryDenied(f"audience: {verdict.reason}")
    ref = EnrollmentRef(
        store=profile.store,
        contact=profile.contact,
        workflow=program.workflow,
        version=program.version,
        id=enrollment_id(
            profile.store, program.workflow, profile.contact, f"key {key}" if key else event.id
        ),
    )
    return EntryAccepted(
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


def enrollment_key(program: Program, event: Event) -> str | None:
    """What tells this contact's enrollments apart; empty if nothing, None if the event lacks it."""
    path = program.head["trigger"].get("key")
    if path is None:
        return ""
    value = get_path(event.data, path)
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
) -> EntryDenied | None:
    if not key and any(
        presence.workflow == workflow and presence.event != event.id
        for presence in profile.active_enrollments.values()
    ):
        return EntryDenied("already inside")
    last = profile.entries.get(workflow)
    if last is None or reentry["allow"] == "always":
        return None
    if key and reentry["allow"] == "never":
        return None  # once for each key: that an enrollment of this one exists is seen by its id
    if reentry["allow"] == "never":
        return EntryDenied("was here before, reentry is never")
    gap = parse_duration(reentry["after"])
    if now - last < gap:
        return EntryDenied(
            f"was here {format_duration(now - last)} ago, reentry is after {format_duration(gap)}"
        )
    return None


def exit_rules(program: Program) -> Iterator[Mapping[str, Any]]:
    """The events that end an enrollment, the goal first, each with its `reason`."""
    goal = program.head.get("goal")
    if goal:
        yield {**goal, "reason": "goal reached"}
    for ending in program.head.get("exit_on", ()):
        yield {**ending, "reason": f"exit on {ending['event']}"}


def matching_exit(program: Program, event: Event, since: datetime) -> str | None:
    """The reason why this event ends an enrollment that began at `since`, or None."""
    if event.occurred_at < since:
        return None
    for ending in exit_rules(program):
        if ending["event"] != event.name:
            continue
        if "within" in ending and event.occurred_at - since > parse_duration(ending["within"]):
            continue
        facts = EvaluationContext(now=event.occurred_at, event=event.data)
        if "where" not in ending or evaluate(ending["where"], facts).value:
            return str(ending["reason"])
    return None


def _done_since(name: str, profile: Profile, since: datetime) -> bool:
    total = profile.totals.get(name)
    return total is not None and total.last > since
