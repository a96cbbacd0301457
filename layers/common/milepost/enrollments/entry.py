from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from milepost.base.durations import format_duration, parse_duration
from milepost.base.paths import MISSING, get_path
from milepost.base.refs import EnrollmentRef
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.event import Event
from milepost.contacts.event_names import IMPORT_REVERTED, IMPORTED, SCHEDULE
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.program import Program
from milepost.enrollments.trigger_types import TriggerMatch, flow_of_trigger

EMITTED_BY = "_emitted_by"
"""Where the data of an event that a workflow reports says which step that was."""

MAX_CHAIN_DEPTH = 5
"""Workflows that may set each other going in a row: beyond that they go round in a circle."""

MAX_EVENT_AGE = timedelta(days=1)
"""An event older than this enrolls nobody: history that is imported late is not news."""


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
    if not trigger:
        return False
    match = TriggerMatch(workflow, trigger, before, after, event, emitted_by(event.data))
    return flow_of_trigger(trigger).matches(match)


def is_targeted(workflow: str, trigger: Mapping[str, Any], event: Event) -> bool:
    """Whether an event was reported for the sake of this workflow."""
    if not trigger or trigger.get("event") != event.name:
        return False
    call = flow_of_trigger(trigger).call
    return call is not None and call(workflow, trigger, event, emitted_by(event.data))


def chain_depth(data: Mapping[str, Any]) -> int:
    """How many workflows in a row set each other going until this event."""
    deep = emitted_by(data).get("chain_depth")
    return deep if isinstance(deep, int) else 0


def root_event(name: str, data: Mapping[str, Any]) -> str:
    """The name of the event that set the first of several workflows going, the last of which an
    event of this name and with this data is for."""
    first = emitted_by(data).get("root_event")
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
    head = program.options
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
    path = program.options["trigger"].get("key")
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
    goal = program.options.get("goal")
    if goal:
        yield {**goal, "reason": "goal reached"}
    for ending in program.options.get("exit_on", ()):
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
