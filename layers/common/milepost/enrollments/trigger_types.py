"""The trigger types: which event each listens to, and when it comes due by time."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from milepost.base import instants
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
"""For so long the mark of what nobody plans is kept."""


def time_trigger_key(plan: Plan) -> str:
    """What a trigger plans, in words; equal for triggers that plan the same."""
    timing = flow_of_trigger(plan).timing
    if timing is None:
        raise ValueError(f"nothing comes by itself for a trigger {plan['type']}")
    return timing.key(plan)


def next_due(
    profile: Profile, plans: Iterable[Plan], since: datetime, zone: str
) -> list[DueTrigger]:
    """The next occasion of each plan, none before `since`, the earliest first.

    `zone` is the store's, for contacts whose own is unknown.
    """
    by_key = {time_trigger_key(plan): plan for plan in plans}
    found = (_next(profile, key, plan, since, zone) for key, plan in by_key.items())
    return sorted((o for o in found if o is not None), key=lambda o: (o.at, o.key))


def due(profile: Profile, plans: Iterable[Plan], now: datetime, zone: str) -> list[DueTrigger]:
    """The occasions that have come since it was looked for them, the earliest first."""
    since = checked_until(profile, now)
    return [o for o in next_due(profile, plans, since, zone) if o.at <= now]


def checked_until(profile: Profile, now: datetime) -> datetime:
    """The instant before which nothing is left to come: what is later learned of is too late."""
    lookout = profile.next_check
    return lookout.since if lookout is not None and lookout.at <= now else now


def plan_next_check(profile: Profile, instant: datetime | None, now: datetime) -> NextCheck | None:
    """When to look at a contact again, if the next thing comes at `instant` (None: nothing does).

    A look that is already set and not too late is kept: an index that is moved with every order
    would cost more than a look in vain now and then.
    """
    held = profile.next_check
    if held is not None and held.at > now and (instant is None or held.since <= instant):
        return held
    return None if instant is None else NextCheck(instant, max(instant, now))


def is_reevaluation(event: Event) -> bool:
    """Whether an event is but the clock's, that has a contact looked at again."""
    return event.name == REEVALUATED and event.source == "clock"


def prune_fired(
    marks: Mapping[str, str], plans: Iterable[Plan], now: datetime
) -> Mapping[str, str]:
    """The marks that something still asks for: a profile is paid for by its size.

    One of these days stays, for `plans` may be older than what planned it. Every mark begins with
    a day.
    """
    keys, lately = (
        {time_trigger_key(plan) for plan in plans},
        instants.format_instant(now - MAX_FIRED),
    )
    return {key: mark for key, mark in marks.items() if key in keys or mark >= lately}


def _next(profile: Profile, key: str, plan: Plan, since: datetime, zone: str) -> DueTrigger | None:
    timing, done = flow_of_trigger(plan).timing, profile.fired.get(key, "")
    return timing.comes(Ask(profile, plan, key, since, done, zone)) if timing else None


ANY_EVENT: Final = "*"

Trigger = Mapping[str, Any]
Scope = Literal["event", "contact_clock", "store_clock"]
"""Who watches for it: nobody but the events, the contact's own clock, or one clock for all."""


class TriggerMatch(NamedTuple):
    """An event and the workflow whose trigger it may be; `before` and `after` are the contact
    without and with the event, `emitted_by` the step that reported it."""

    workflow: str
    trigger: Trigger
    before: Profile | None
    after: Profile
    event: Event
    emitted_by: Mapping[str, Any]


class Timing(NamedTuple):
    """What comes by itself: `key` says what is planned, `comes` when that is for a contact."""

    key: Callable[[Trigger], str]
    comes: Callable[[Ask], DueTrigger | None]
    scope: Callable[[Trigger], Scope]


Call = Callable[[str, Trigger, Event, Mapping[str, Any]], bool]


def by_event_name(match: TriggerMatch) -> bool:
    return bool(match.trigger.get("event") == match.event.name)


class TriggerFlow(NamedTuple):
    """What must be known of a trigger type to let contacts in."""

    event: Callable[[Trigger], str]
    """The event on the timeline."""
    must_repeat: tuple[str, ...] = ()
    """The fields of the trigger that the event must carry."""
    asks: Callable[[Trigger], list[Any]] = lambda _: []
    """More conditions on the event."""
    as_written: bool = False
    """Whether the compiled trigger is the file's own: then the event is the shop's."""
    matches: Callable[[TriggerMatch], bool] = by_event_name
    timing: Timing | None = None
    call: Call | None = None
    """Whether an event that is reported for the sake of one workflow, by somebody who has seen
    that it is live, is for this one. Then `event` is the same for every trigger of the type."""


def _changes(match: TriggerMatch) -> bool:
    if match.event.source == "segment" and match.event.data.get("initial"):
        return False  # a rule that is new has found what had been so before
    trigger, before = match.trigger, match.before
    field = trigger["field"]
    old, new = before.get(field) if before else None, match.after.get(field)
    if old == new or ("from" in trigger and old != trigger["from"]):
        return False
    if "crosses" in trigger:
        line = trigger["crosses"]
        return _number(new) is not None and (_number(old) or 0) < line <= (_number(new) or 0)
    return "to" not in trigger or bool(new == trigger["to"])


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _started(workflow: str, _: Trigger, event: Event, by: Mapping[str, Any]) -> bool:
    return bool((by.get("starts_workflow") or event.data.get("workflow")) == workflow)


def _initial(trigger: Trigger) -> list[Any]:
    existing = trigger.get("include_existing")
    return [] if existing else [{"not": {"event": "initial", "is": True}}]


def timed(event: str, timing: Timing) -> TriggerFlow:
    """A trigger that comes by itself: its event tells by the key which plan it is of."""
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
    """Who watches for a trigger; for none that an old head did not keep."""
    timing = flow_of_trigger(trigger).timing if trigger else None
    return timing.scope(trigger) if timing else "event"


def is_targeted_event(name: str) -> bool:
    """Whether an event is reported for the sake of one workflow."""
    return any(flow.call and flow.event({}) == name for flow in TRIGGER_FLOWS.values())


def normalize_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The trigger as the program holds it: `type`, `event`, perhaps `where` and `key`.

    A `contact` trigger has `event` "*" and keeps `field`, `from`, `to` and `crosses`; one that
    comes by itself keeps all, for it says what is planned.
    """
    flow = flow_of_trigger(trigger)
    event = flow.event(trigger)
    if flow.as_written:
        return {**trigger, "event": event}
    asked: list[Any] = [{"event": f, "is": trigger[f]} for f in flow.must_repeat if f in trigger]
    if "where" in trigger:
        asked.append(trigger["where"])
    asked += flow.asks(trigger)
    plan = dict(trigger) if flow.timing else {}
    where = {"where": {"all": asked}} if asked else {}
    return {**plan, "type": trigger["type"], "event": event, **where}


def trigger_index_entry(program: Program) -> dict[str, Any]:
    """The trigger without its condition: enough to tell the events that it is not about."""
    trigger: Mapping[str, Any] = program.options["trigger"]
    return {name: value for name, value in trigger.items() if name != "where"}
