"""Triggers, all as one: an event of some name on the contact's timeline, and a condition on it."""

from collections.abc import Mapping
from typing import Any

from milepost.enrollments.program import Program
from milepost.enrollments.trigger_types import flow_of_trigger


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
