"""Belonging: who belongs to a segment, and which of them an event is about.

A segment is a condition. Whoever publishes it notes what the condition mentions (events, fields,
topics, workflows, other segments), so that an event has only those looked at which it may change.
A static segment is a condition too: on a field that only a call or an import sets.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from milepost.base import instants
from milepost.conditions.context import Condition
from milepost.conditions.evaluate import dependencies, depends_on_time
from milepost.conditions.leaves import ANY_FIELD
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.event_names import REEVALUATED, SEGMENT
from milepost.contacts.event_names import STAGE as STAGE_REACHED
from milepost.contacts.fields import Change
from milepost.contacts.profile import Profile
from milepost.contacts.segment_state import Membership, MembershipChange, SegmentState
from milepost.enrollments.entry import EMITTED_BY, MAX_EVENT_AGE, chain_depth
from milepost.enrollments.trigger_types import is_reevaluation
from milepost.segments.segment import Dependencies, Segment, Segments

STATIC = "segments."
"""Fields of contacts that say who is in a static segment."""

STAGE_SEGMENT_PREFIX = "stage:"
"""What the segments are called that only the rules of stages ask for."""

_MILLISECOND = timedelta(milliseconds=1)


def new_segment(title: str, condition: Condition, static: bool, version: int) -> Segment:
    """A segment as it goes live."""
    return Segment(
        version, title, segment_dependencies(condition), depends_on_time(condition), static
    )


def static_condition(name: str) -> Condition:
    """Who is in a static segment."""
    return {"contact": f"{STATIC}{name}", "is": True}


def segment_dependencies(condition: Condition) -> Dependencies:
    """What a condition speaks of; each word once, in order."""
    found = set(dependencies(condition))
    return Dependencies(
        *(tuple(sorted(n for k, n in found if k == kind)) for kind in Dependencies._fields)
    )


def affected_segments(
    segments: Segments, before: Profile | None, after: Profile, event: Event, now: datetime,
    shop_topics: Iterable[str] = (),
) -> set[str]:  # fmt: skip
    """The segments that an event may have changed for a contact.

    Of a contact that was not known yet, all: who has never bought is in some from the start.
    """
    if before is None or not before.last_sequence:
        return {name for name, segment in segments.items() if segment.status == "live"}
    flips = after.segment_state.next_changes
    found = {name for name, at in flips.items() if at <= now and name in segments}
    if is_reevaluation(event):
        found |= {name for name in _named(event) if name in segments}
    else:
        found.update(segments.events.get(event.name, ()))
    for field, names in segments.fields.items():
        if field == ANY_FIELD or before.get(field) != after.get(field):
            found.update(names)
    for fact in event.contact.consents:
        for topic in (fact.topic,) if fact.topic else shop_topics:
            found.update(segments.topics.get(topic, ()))
    there = {presence.workflow for presence in before.active_enrollments.values()}
    here = {presence.workflow for presence in after.active_enrollments.values()}
    for workflow in there ^ here:
        found.update(segments.workflows.get(workflow, ()))
    return found


def _named(event: Event) -> list[str]:
    """The segments that whoever has a contact looked at asks for by name."""
    named = event.data.get("segments")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def evaluated_at(event: Event, now: datetime) -> datetime:
    """The instant at which a contact is looked at: a clock that is late or early changes nothing.

    A look is for what is different from its own instant on.
    """
    return max(now, event.occurred_at) if is_reevaluation(event) else now


def reevaluation_event(
    store: str, at: datetime, segments: Iterable[str] = (), because: str = "", initial: bool = False
) -> Event:
    """The event that has a contact looked at: at an instant that was foreseen, or `because` of
    something else, for which these `segments` are to be answered."""
    names = sorted(segments)
    text = "\n".join([instants.format_instant(at), because, *names])
    return Event(
        store=store,
        id="m" + sha256(text.encode()).hexdigest()[:31],
        name=REEVALUATED,
        occurred_at=at,
        source="clock",
        identifiers={},
        data={
            **({"segments": names} if names else {}),
            **({"initial": True} if initial else {}),
        },
    )


def is_initial(event: Event, now: datetime) -> bool:
    """Whether what an event leads to had been so before it was looked at, and is no news."""
    if is_reevaluation(event):
        return event.data.get("initial") is True
    return now - event.occurred_at > MAX_EVENT_AGE


def apply_membership(
    standing: SegmentState,
    name: str,
    inside: bool,
    event: Event,
    at: datetime,
    initial: bool,
    dropped: bool = False,
) -> SegmentState:
    """The standing after a segment's condition has come to an answer."""
    if inside is (name in standing.segments):
        return standing
    segments = dict(standing.segments)
    if inside:
        segments[name] = Membership(at, event.id)
    else:
        del segments[name]
    kept = [crossing for crossing in standing.crossings if crossing.name != name]
    if len(kept) == len(standing.crossings) and ":" not in name:
        on: Any = "entered" if inside else "dropped" if dropped else "left"
        kept.append(MembershipChange(name, on, at, event.id, initial))
    return standing._replace(segments=segments, crossings=tuple(kept))


def set_next_change(standing: SegmentState, name: str, at: datetime | None) -> SegmentState:
    """The standing with the time at which a segment has to be looked at again.

    A timer is read to the millisecond, and an answer must have changed when it is due.
    """
    if at is None and name not in standing.next_changes:
        return standing
    flips = {other: due for other, due in standing.next_changes.items() if other != name}
    if at is not None:
        short = at.microsecond % 1000
        flips[name] = at if not short else at - timedelta(microseconds=short) + _MILLISECOND
    return standing._replace(next_changes=flips)


def membership_event(crossing: MembershipChange, cause: Event) -> Event:
    """The event that a crossing is; one of a stage has the contact reach the stage.

    A function of both, so that it can be reported again.
    """
    staged = crossing.on == "stage"
    data: dict[str, Any] = {"stage" if staged else "segment": crossing.name}
    if crossing.initial:
        data["initial"] = True
    if deep := chain_depth(cause.data):
        data[EMITTED_BY] = {"chain_depth": deep}
    said = SEGMENT["entered" if crossing.on == "entered" else "left"]
    changes = (Change("set", "stage", crossing.name),) if staged else ()
    return Event(
        store=cause.store,
        id=membership_change_id(crossing),
        name=STAGE_REACHED if staged else said,
        occurred_at=crossing.at,
        source="segment",
        identifiers={},
        data=data,
        contact=ContactUpdate(changes=changes),
    )


def membership_change_id(crossing: MembershipChange) -> str:
    text = f"{crossing.name}\n{crossing.on}\n{crossing.event}"
    return "s" + sha256(text.encode()).hexdigest()[:31]
