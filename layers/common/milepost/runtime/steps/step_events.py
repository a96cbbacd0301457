"""What a step reports about the contact: the event it puts on the timeline, and the changes in it.

A decision is plain JSON, `{"event", "data", "changes"}`, for it is written down before it is
carried out: a step that is run again reports what it decided first.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from milepost.base.paths import MISSING, resolve, resolve_all
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.event_names import CONTACT, LIST, SCORE, STAGE, WORKFLOW_STARTED
from milepost.contacts.fields import CONTACT_FIELDS, Change
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.entry import EMITTED_BY, chain_depth, root_event
from milepost.enrollments.program import Node
from milepost.runtime.steps.block_run import BlockRun, Emission, Emitted, Next
from milepost.runtime.steps.tools import StepTools


class StepEvent(NamedTuple):
    """An event, its data, the changes of the contact, and the workflow that it starts."""

    name: str
    data: dict[str, Any]
    changes: tuple[Change, ...] = ()
    starts: str = ""


def run(node: Node, run: BlockRun, tools: StepTools) -> Next:
    """Run a step that is in `STEP_EVENTS`."""

    def emit(emission: Emission) -> Emitted:
        event = _event(emission, run.enrollment)
        return event, tools.timeline.append(run.enrollment.ref.contact, event)

    run.decide_then_emit(node, lambda: decide_event(node, run.enrollment, run.data()), emit)
    return Next(node["next"])


def decide_event(node: Node, enrollment: Enrollment, data: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome of a step that is in `STEP_EVENTS`."""
    event = STEP_EVENTS[node["type"]](node, data)
    said_by = {
        "workflow": enrollment.ref.workflow,
        "step": node["id"],
        "enrollment": enrollment.ref.id,
        "chain_depth": chain_depth(enrollment.event_data) + 1,
        "root_event": root_event(enrollment.event_name, enrollment.event_data),
    }
    if event.starts:
        said_by["starts_workflow"] = event.starts
    changed = [list(change) for change in event.changes]
    return {"event": event.name, "data": {**event.data, EMITTED_BY: said_by}, "changes": changed}


def data_of(outcome: Mapping[str, Any], enrollment: Enrollment) -> dict[str, Any]:
    """The event's data: what was decided, and what is handed on to a workflow that is started.

    The latter is looked up when it is reported, and not written down a second time: an outcome is
    paid for at every later write of the enrollment, and an item ends at 400 KB.
    """
    said: Mapping[str, Any] = outcome["data"]
    handed_on = enrollment.event_data if "starts_workflow" in said[EMITTED_BY] else {}
    return {**handed_on, **said}


def changes_of(outcome: Mapping[str, Any]) -> tuple[Change, ...]:
    """The changes that an outcome holds."""
    return tuple(Change(*change) for change in outcome["changes"])


def _event(emission: Emission, enrollment: Enrollment) -> Event:
    """The event that was decided. Its id and its instant are the step's own, so that a step which
    is run again reports nothing new."""
    ref, outcome = enrollment.ref, emission.outcome
    return Event(
        store=ref.store,
        id=f"{ref.id}:{emission.key}",
        name=outcome["event"],
        occurred_at=emission.at,
        source="workflow",
        identifiers={},
        data=data_of(outcome, enrollment),
        contact=ContactUpdate(changes=changes_of(outcome)),
    )


def _listed(change: str, name: str, on_it: bool) -> StepEvent:
    return StepEvent(LIST[change], {"list": name}, (Change("set", f"lists.{name}", on_it),))


def _update(node: Node, data: Mapping[str, Any]) -> StepEvent:
    return StepEvent(CONTACT, {}, tuple(_updates(node, data)))


def _updates(node: Node, data: Mapping[str, Any]) -> Iterable[Change]:
    for name, value in resolve_all(node.get("set", {}), data).items():
        yield Change("set", f"properties.{name}", value)
    for name in node.get("unset", ()):
        yield Change("unset", f"properties.{name}")
    for name, amount in node.get("increment", {}).items():
        yield Change("add", f"properties.{name}", amount)
    for name, value in resolve_all(node.get("append", {}), data).items():
        yield Change("append", f"properties.{name}", value)
    for name, field in CONTACT_FIELDS.items():
        value = resolve(node.get(name, MISSING), data) if field.set_by_steps else MISSING
        if isinstance(value, str) and (kept := field.normalize(value)):
            yield Change("set", name, kept)


STEP_EVENTS: Final[dict[str, Callable[[Node, Mapping[str, Any]], StepEvent]]] = {
    "update_contact": _update,
    "add_to_list": lambda node, _: _listed("added", node["list"], True),
    "remove_from_list": lambda node, _: _listed("removed", node["list"], False),
    "set_stage": lambda node, _: StepEvent(
        STAGE, {"stage": node["stage"]}, (Change("set", "stage", node["stage"]),)
    ),
    "add_score": lambda node, _: StepEvent(
        SCORE, {"points": node["points"]}, (Change("add", "score", node["points"]),)
    ),
    "emit_event": lambda node, data: StepEvent(
        node["event"], resolve_all(node.get("properties", {}), data)
    ),
    "start_workflow": lambda node, _: StepEvent(WORKFLOW_STARTED, {}, starts=node["workflow"]),
}
"""One row for each step type that reports an event: such a step needs no runner of its own."""
