"""What a step reports about the contact: the event it puts on the timeline, and the changes in it.

A decision is plain JSON, `{"event", "data", "changes"}`, for it is written down before it is
carried out: a step that is run again reports what it decided first.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from milepost.base.dates import find_zone
from milepost.base.languages import normalize
from milepost.base.paths import MISSING, resolve, resolve_all
from milepost.contacts.changes import Change
from milepost.contacts.event_names import CONTACT, LIST, SCORE, STAGE, WORKFLOW_STARTED
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.entry import EMITTED_BY, chain_depth, root_event
from milepost.enrollments.program import Node

Deed = tuple[str, dict[str, Any], tuple[Change, ...]]


def decide_event(node: Node, enrollment: Enrollment, data: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome of a step that is in `STEP_EVENTS`."""
    event, said, changes = STEP_EVENTS[node["type"]](node, data)
    said_by = {
        "workflow": enrollment.ref.workflow,
        "step": node["id"],
        "enrollment": enrollment.ref.id,
        "depth": chain_depth(enrollment.event_data) + 1,
        "began": root_event(enrollment.event_name, enrollment.event_data),
    }
    if node["type"] == "start_workflow":
        said_by["start"] = node["workflow"]
    changed = [list(change) for change in changes]
    return {"event": event, "data": {**said, EMITTED_BY: said_by}, "changes": changed}


def data_of(outcome: Mapping[str, Any], enrollment: Enrollment) -> dict[str, Any]:
    """The event's data: what was decided, and what is handed on to a workflow that is started.

    The latter is looked up when it is reported, and not written down a second time: an outcome is
    paid for at every later write of the enrollment, and an item ends at 400 KB.
    """
    said: Mapping[str, Any] = outcome["data"]
    handed_on = enrollment.event_data if "start" in said[EMITTED_BY] else {}
    return {**handed_on, **said}


def changes_of(outcome: Mapping[str, Any]) -> tuple[Change, ...]:
    """The changes that an outcome holds."""
    return tuple(Change(*change) for change in outcome["changes"])


def _update(node: Node, data: Mapping[str, Any]) -> Deed:
    return CONTACT, {}, tuple(_updates(node, data))


def _updates(node: Node, data: Mapping[str, Any]) -> Iterable[Change]:
    for name, value in resolve_all(node.get("set", {}), data).items():
        yield Change("set", f"properties.{name}", value)
    for name in node.get("unset", ()):
        yield Change("unset", f"properties.{name}")
    for name, amount in node.get("increment", {}).items():
        yield Change("add", f"properties.{name}", amount)
    for name, value in resolve_all(node.get("append", {}), data).items():
        yield Change("append", f"properties.{name}", value)
    locale, zone = (resolve(node.get(name, MISSING), data) for name in ("locale", "timezone"))
    if isinstance(locale, str) and normalize(locale):
        yield Change("set", "locale", normalize(locale))
    if isinstance(zone, str) and find_zone(zone):
        yield Change("set", "timezone", zone)


STEP_EVENTS: Mapping[str, Callable[[Node, Mapping[str, Any]], Deed]] = {
    "update_contact": _update,
    "add_to_list": lambda node, _: (
        LIST["added"],
        {"list": node["list"]},
        (Change("set", f"lists.{node['list']}", True),),
    ),
    "remove_from_list": lambda node, _: (
        LIST["removed"],
        {"list": node["list"]},
        (Change("set", f"lists.{node['list']}", False),),
    ),
    "set_stage": lambda node, _: (
        STAGE,
        {"stage": node["stage"]},
        (Change("set", "stage", node["stage"]),),
    ),
    "add_score": lambda node, _: (
        SCORE,
        {"points": node["points"]},
        (Change("add", "score", node["points"]),),
    ),
    "emit_event": lambda node, data: (
        node["event"],
        resolve_all(node.get("properties", {}), data),
        (),
    ),
    "start_workflow": lambda node, _: (WORKFLOW_STARTED, {}, ()),
}
"""For each step its event's name, the event's data, and the changes of the contact."""
