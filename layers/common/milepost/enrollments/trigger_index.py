"""Triggers, all as one: an event of some name on the contact's timeline, and a condition on it.

A birthday, a form and a list are events like an order is (see docs/architecture.md), so that one
rule decides who enters. `contact` alone asks about the change that an event made.
"""

from collections.abc import Callable, Mapping
from typing import Any

from milepost.contacts.event_names import (  # fmt: skip
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
from milepost.enrollments.program import Program
from milepost.enrollments.time_triggers import time_trigger_key

ANY_EVENT = "*"


def normalize_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The trigger as the program holds it: `type`, `event`, perhaps `where` and `key`.

    A `contact` trigger has `event` "*" and keeps `field`, `from`, `to` and `crosses`; a `date`, an
    `inactivity` and a `schedule` keep all, for it says what is planned.
    """
    kind = trigger["type"]
    if kind == "event":
        return dict(trigger)
    if kind == "contact":
        return {**trigger, "event": ANY_EVENT}
    event, fields = _EVENTS[kind](trigger)
    asked: list[Any] = [{"event": f, "is": trigger[f]} for f in fields if f in trigger]
    if kind == "segment" and not trigger.get("include_existing"):
        asked.append({"not": {"event": "initial", "is": True}})
    if "where" in trigger:
        asked.append(trigger["where"])
    plan = dict(trigger) if kind in ("date", "inactivity", "schedule") else {}
    if plan:
        asked.append({"event": "occasion", "is": time_trigger_key(plan)})
    return {**plan, "type": kind, "event": event, **({"where": {"all": asked}} if asked else {})}


def trigger_index_entry(program: Program) -> dict[str, Any]:
    """The trigger without its condition: enough to tell the events that it is not about."""
    trigger: Mapping[str, Any] = program.head["trigger"]
    return {name: value for name, value in trigger.items() if name != "where"}


_EVENTS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, tuple[str, ...]]]] = {
    "form": lambda _: (FORM, ("form",)),
    "list": lambda trigger: (LIST[trigger.get("on", "added")], ("list",)),
    "segment": lambda trigger: (SEGMENT[trigger.get("on", "entered")], ("segment",)),
    "email": lambda trigger: (
        {**EMAIL, "unsubscribed": UNSUBSCRIBED}[trigger["on"]],
        ("workflow", "step", "link"),
    ),
    "date": lambda _: (DATE, ()),  # which one: by its key, see `occasions.py`
    "inactivity": lambda _: (INACTIVE, ()),
    "schedule": lambda _: (SCHEDULE, ()),
    "catalog": lambda trigger: (CATALOG[trigger["on"]], ()),
    "manual": lambda _: (WORKFLOW_STARTED, ()),  # whose start it is: see `is_called`
}
"""For each trigger its event's name, and the fields of the trigger that the event must repeat."""
