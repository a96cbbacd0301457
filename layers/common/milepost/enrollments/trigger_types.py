"""The trigger types: the event of each, and when time triggers fire."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from milepost.base import times
from milepost.contacts.event import Event
from milepost.contacts.event_names import (
    CATALOG,
    DATE,
    EMAIL,
    FORM,
    INACTIVE,
    LIST,
    REEVALUATED,
    SCHEDULE,
    SEGMENT,
    UNSUBSCRIBED,
    WORKFLOW_STARTED,
)
from milepost.contacts.profile import NextCheck, Profile
from milepost.enrollments.due_triggers import (
    Ask,
    DueTrigger,
    Plan,
    date_key,
    inactivity_key,
    next_date,
    next_inactivity,
    next_schedule,
    schedule_key,
)
from milepost.enrollments.program import Program

MAX_FIRED = timedelta(days=2)
"""How long the mark of an occurrence is kept when no live trigger needs it."""


def time_trigger_key(plan: Plan) -> str:
    """A text that is equal for time triggers that fire at the same times."""
    timing = flow_of_trigger(plan).timing
    if timing is None:
        raise ValueError(f"a trigger {plan['type']} is no time trigger")
    return timing.key(plan)


def next_due(
    profile: Profile, plans: Iterable[Plan], since: datetime, zone: str
) -> list[DueTrigger]:
    """The next occurrence of each trigger, none before `since`, the earliest first.

    `zone` is the store's, for contacts without a known time zone.
    """
    by_key = {time_trigger_key(plan): plan for plan in plans}
    found = (_next(profile, key, plan, since, zone) for key, plan in by_key.items())
    return sorted((o for o in found if o is not None), key=lambda o: (o.at, o.key))


def due(profile: Profile, plans: Iterable[Plan], now: datetime, zone: str) -> list[DueTrigger]:
    """The occurrences that are due since the last check, the earliest first."""
    since = checked_until(profile, now)
    return [o for o in next_due(profile, plans, since, zone) if o.at <= now]


def checked_until(profile: Profile, now: datetime) -> datetime:
    """The instant up to which all occurrences have been handled."""
    check = profile.next_check
    return check.since if check is not None and check.at <= now else now


def plan_next_check(profile: Profile, instant: datetime | None, now: datetime) -> NextCheck | None:
    """The next check of a contact whose next change is at `instant` (None: there is none).

    An earlier check that is already planned stays: to move its index entry with every order would
    cost more than an unnecessary check now and then.
    """
    planned = profile.next_check
    if planned is not None and planned.at > now and (instant is None or planned.since <= instant):
        return planned
    return None if instant is None else NextCheck(instant, max(instant, now))


def is_reevaluation(event: Event) -> bool:
    """Whether an event of the scheduler only re-evaluates the contact."""
    return event.name == REEVALUATED and event.source == "clock"


def prune_fired(
    marks: Mapping[str, str], plans: Iterable[Plan], now: datetime
) -> Mapping[str, str]:
    """Drop the marks that no trigger needs: the size of a profile costs money.

    Marks of the last days stay, because `plans` may be out of date. Every mark begins with a day.
    """
    keys = {time_trigger_key(plan) for plan in plans}
    recent = times.format_instant(now - MAX_FIRED)
    return {key: mark for key, mark in marks.items() if key in keys or mark >= recent}


def _next(profile: Profile, key: str, plan: Plan, since: datetime, zone: str) -> DueTrigger | None:
    timing, done = flow_of_trigger(plan).timing, profile.fired.get(key, "")
    return timing.comes(Ask(profile, plan, key, since, done, zone)) if timing else None


ANY_EVENT: Final = "*"

Trigger = Mapping[str, Any]
Scope = Literal["event", "contact_clock", "store_clock"]
"""What fires a trigger: an event, the contact's clock, or one clock for all contacts."""


class TriggerMatch(NamedTuple):
    """An event and a workflow whose trigger it may match; `before` and `after` are the contact
    without and with the event, `emitted_by` is the step that emitted it."""

    workflow: str
    trigger: Trigger
    before: Profile | None
    after: Profile
    event: Event
    emitted_by: Mapping[str, Any]


class Timing(NamedTuple):
    """A time trigger: its `key`, the next occurrence (`comes`) and its `scope`."""

    key: Callable[[Trigger], str]
    comes: Callable[[Ask], DueTrigger | None]
    scope: Callable[[Trigger], Scope]


Call = Callable[[str, Trigger, Event, Mapping[str, Any]], bool]


def by_event_name(match: TriggerMatch) -> bool:
    return bool(match.trigger.get("event") == match.event.name)


class TriggerFlow(NamedTuple):
    """What the runtime must know about a trigger type to enroll contacts."""

    event: Callable[[Trigger], str]
    """The event on the timeline."""
    must_repeat: tuple[str, ...] = ()
    """The fields of the trigger that the event must carry."""
    asks: Callable[[Trigger], list[Any]] = lambda _: []
    """More conditions on the event."""
    as_written: bool = False
    """Whether the compiled trigger equals the written one, with an event of the shop."""
    matches: Callable[[TriggerMatch], bool] = by_event_name
    timing: Timing | None = None
    call: Call | None = None
    """Whether an event that is addressed to one live workflow is for this one. Then `event` is the
    same for every trigger of the type."""


def _changes(match: TriggerMatch) -> bool:
    if match.event.source == "segment" and match.event.data.get("initial"):
        return False  # a new rule found an old state
    trigger, before = match.trigger, match.before
    field = trigger["field"]
    old, new = before.get(field) if before else None, match.after.get(field)
    if old == new or ("from" in trigger and old != trigger["from"]):
        return False
    if "crosses" in trigger:
        limit = trigger["crosses"]
        return _number(new) is not None and (_number(old) or 0) < limit <= (_number(new) or 0)
    return "to" not in trigger or bool(new == trigger["to"])


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _started(workflow: str, _: Trigger, event: Event, by: Mapping[str, Any]) -> bool:
    return bool((by.get("starts_workflow") or event.data.get("workflow")) == workflow)


def _initial(trigger: Trigger) -> list[Any]:
    existing = trigger.get("include_existing")
    return [] if existing else [{"not": {"event": "initial", "is": True}}]


def timed(event: str, timing: Timing) -> TriggerFlow:
    """A time trigger: its event carries the key of the trigger."""
    return TriggerFlow(
        event=lambda _: event,
        asks=lambda trigger: [{"event": "time_trigger_key", "is": timing.key(trigger)}],
        timing=timing,
        call=lambda _, trigger, event, __: (
            timing.key(trigger) == event.data.get("time_trigger_key")
        ),
    )


_SCHEDULE = Timing(
    schedule_key,
    next_schedule,
    lambda trigger: "contact_clock" if trigger.get("timezone") == "contact" else "store_clock",
)

TRIGGER_FLOWS: Final[dict[str, TriggerFlow]] = {
    "event": TriggerFlow(lambda trigger: str(trigger["event"]), as_written=True),
    "form": TriggerFlow(lambda _: FORM, ("form",)),
    "list": TriggerFlow(lambda trigger: LIST[trigger.get("on", "added")], ("list",)),
    "segment": TriggerFlow(
        lambda trigger: SEGMENT[trigger.get("on", "entered")], ("segment",), _initial
    ),
    "contact": TriggerFlow(lambda _: ANY_EVENT, as_written=True, matches=_changes),
    "email": TriggerFlow(
        lambda trigger: {**EMAIL, "unsubscribed": UNSUBSCRIBED}[trigger["on"]],
        ("workflow", "step", "link"),
    ),
    "date": timed(DATE, Timing(date_key, next_date, lambda _: "contact_clock")),
    "inactivity": timed(
        INACTIVE, Timing(inactivity_key, next_inactivity, lambda _: "contact_clock")
    ),
    "schedule": timed(SCHEDULE, _SCHEDULE),
    "catalog": TriggerFlow(lambda trigger: CATALOG[trigger["on"]]),
    "manual": TriggerFlow(
        lambda _: WORKFLOW_STARTED,
        matches=lambda m: (
            by_event_name(m) and _started(m.workflow, m.trigger, m.event, m.emitted_by)
        ),
        call=_started,
    ),
}
"""One row for each trigger type. An unknown type is an error, never a default."""


def flow_of_trigger(trigger: Trigger) -> TriggerFlow:
    return TRIGGER_FLOWS[trigger["type"]]


def scope_of(trigger: Trigger) -> Scope:
    """What fires a trigger; "event" if an old head did not store the trigger."""
    timing = flow_of_trigger(trigger).timing if trigger else None
    return timing.scope(trigger) if timing else "event"


def is_targeted_event(name: str) -> bool:
    """Whether events of this name are addressed to one workflow."""
    return any(flow.call and flow.event({}) == name for flow in TRIGGER_FLOWS.values())


def normalize_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The compiled trigger: `type`, `event`, and `where` and `key` if it has them.

    A `contact` trigger has `event` "*" and keeps `field`, `from`, `to` and `crosses`; a time
    trigger keeps all its fields.
    """
    flow = flow_of_trigger(trigger)
    event = flow.event(trigger)
    if flow.as_written:
        return {**trigger, "event": event}
    needed: list[Any] = [{"event": f, "is": trigger[f]} for f in flow.must_repeat if f in trigger]
    if "where" in trigger:
        needed.append(trigger["where"])
    needed += flow.asks(trigger)
    plan = dict(trigger) if flow.timing else {}
    where = {"where": {"all": needed}} if needed else {}
    return {**plan, "type": trigger["type"], "event": event, **where}


def trigger_index_entry(program: Program) -> dict[str, Any]:
    """The trigger without its condition, which is enough to skip events that do not match."""
    trigger: Mapping[str, Any] = program.options["trigger"]
    return {name: value for name, value in trigger.items() if name != "where"}
