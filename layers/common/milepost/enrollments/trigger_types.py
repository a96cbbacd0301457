"""How each trigger type lets contacts in: its event, who that is meant for, and when it comes.

A birthday, a form and a list are events like an order is (see docs/architecture.md), so that one
rule decides who enters. No pydantic: `react` and `trigger_date` load this. How a trigger is written
is in `workflows/triggers`; `tests/workflows/test_trigger_types.py` compares the two tables.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from milepost.contacts.event import Event
from milepost.contacts.event_names import (
    CATALOG,
    DATE,
    EMAIL,
    FORM,
    INACTIVE,
    LIST,
    SCHEDULE,
    SEGMENT,
    UNSUBSCRIBED,
    WORKFLOW_STARTED,
)
from milepost.contacts.profile import Profile
from milepost.enrollments.due_triggers import (
    Ask,
    DueTrigger,
    date_key,
    inactivity_key,
    next_date,
    next_inactivity,
    next_schedule,
    schedule_key,
)

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
