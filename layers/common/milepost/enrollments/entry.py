"""Entry and exit: which events enroll a contact, and which end its enrollment."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from milepost.base.names import EnrollmentRef
from milepost.base.paths import MISSING, get_path
from milepost.base.times import format_duration, parse_duration
from milepost.conditions.context import EvaluationContext
from milepost.conditions.evaluate import evaluate
from milepost.contacts.event import Event
from milepost.contacts.event_names import IMPORT_REVERTED, IMPORTED, SCHEDULE
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.program import Program
from milepost.enrollments.trigger_types import TriggerMatch, flow_of_trigger

EMITTED_BY = "_emitted_by"
"""The field of an event's data that names the workflow step which emitted it."""

MAX_CHAIN_DEPTH = 5
"""The most workflows that may start each other in a row, to stop endless loops."""

MAX_EVENT_AGE = timedelta(days=1)
"""An older event does not enroll: it is imported history."""


class EntryAccepted(NamedTuple):
    """The contact enters."""

    enrollment: Enrollment


class EntryDenied(NamedTuple):
    """The contact does not enter, for this reason."""

    reason: str


def enrollment_id(store: str, workflow: str, contact: str, distinction: str) -> str:
    """The id depends only on the arguments, so a repeated event finds the same enrollment."""
    text = f"{store}\n{workflow}\n{contact}\n{distinction}"
    return "e" + sha256(text.encode()).hexdigest()[:31]


def trigger_matches(
    workflow: str,
    trigger: Mapping[str, Any],
    before: Profile | None,
    after: Profile,
    event: Event,
) -> bool:
    """Whether an event matches a workflow's trigger, without its `where` (see `decide_entry`).

    `before` and `after` are the contact without and with the event.
    """
    if not trigger:
        return False
    match = TriggerMatch(workflow, trigger, before, after, event, emitted_by(event.data))
    return flow_of_trigger(trigger).matches(match)


def is_targeted(workflow: str, trigger: Mapping[str, Any], event: Event) -> bool:
    """Whether an event is addressed to this workflow."""
    if not trigger or trigger.get("event") != event.name:
        return False
    call = flow_of_trigger(trigger).call
    return call is not None and call(workflow, trigger, event, emitted_by(event.data))


def chain_depth(data: Mapping[str, Any]) -> int:
    """The number of workflows that started each other up to this event."""
    depth = emitted_by(data).get("chain_depth")
    return depth if isinstance(depth, int) else 0


def root_event(name: str, data: Mapping[str, Any]) -> str:
    """The name of the event that started the first workflow of the chain."""
    first = emitted_by(data).get("root_event")
    return first if isinstance(first, str) else name


def emitted_by(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The step that emitted an event; empty if none did or the shop sent another value there."""
    step = data.get(EMITTED_BY)
    return step if isinstance(step, Mapping) else {}


def decide_entry(
    program: Program, profile: Profile, event: Event, facts: EvaluationContext, now: datetime
) -> EntryAccepted | EntryDenied:
    """Decide whether an event that `trigger_matches` the workflow enrolls the contact.

    `profile` already includes the event. `facts.event` is the event's data.
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
    broadcast = event.source == "clock" and event.name == SCHEDULE  # a large one may take longer
    if now - event.occurred_at > MAX_EVENT_AGE and not broadcast:
        return EntryDenied(
            f"the event is {format_duration(now - event.occurred_at)} old, news is 1 day"
        )
    key = enrollment_key(program, event)
    if key is None:
        return EntryDenied(f"key: event.{trigger['key']} is missing")
    if denied := _check_reentry(head["reentry"], program.workflow, profile, event, key, now):
        return denied
    for rule in exit_rules(program):
        if _done_since(rule["event"], profile, event.occurred_at) and "where" not in rule:
            return EntryDenied(f"{rule['event']} has already happened since")
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
    """The value of the trigger's `key`; empty without a `key`, None if the event lacks it."""
    path = program.options["trigger"].get("key")
    if path is None:
        return ""
    value = get_path(event.data, path)
    if value is MISSING or value in (None, "") or isinstance(value, dict | list):
        return None
    return str(value)


def _check_reentry(
    reentry: Mapping[str, Any],
    workflow: str,
    profile: Profile,
    event: Event,
    key: str,
    now: datetime,
) -> EntryDenied | None:
    if not key and any(
        active.workflow == workflow and active.event != event.id
        for active in profile.active_enrollments.values()
    ):
        return EntryDenied("already inside")
    last = profile.entries.get(workflow)
    if last is None or reentry["allow"] == "always":
        return None
    if key and reentry["allow"] == "never":
        return None  # once for each key: the enrollment's id shows if one exists for this key
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
    for rule in program.options.get("exit_on", ()):
        yield {**rule, "reason": f"exit on {rule['event']}"}


def matching_exit(program: Program, event: Event, since: datetime) -> str | None:
    """The reason for which this event ends an enrollment that began at `since`, or None."""
    if event.occurred_at < since:
        return None
    for rule in exit_rules(program):
        if rule["event"] != event.name:
            continue
        if "within" in rule and event.occurred_at - since > parse_duration(rule["within"]):
            continue
        context = EvaluationContext(now=event.occurred_at, event=event.data)
        if "where" not in rule or evaluate(rule["where"], context).value:
            return str(rule["reason"])
    return None


def _done_since(name: str, profile: Profile, since: datetime) -> bool:
    total = profile.totals.get(name)
    return total is not None and total.last > since
