"""Membership of segments, and the segments that an event affects.

A segment is a condition. Publishing stores what the condition reads (events, fields, topics,
workflows, other segments), so that an event has only the segments evaluated that it may change.
A static segment is a condition too, on a field that only the API or an import sets.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from milepost.base import times
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
"""The prefix of the fields for static segments."""

STAGE_SEGMENT_PREFIX = "stage:"
"""The prefix of the internal segments for stages."""

_MILLISECOND = timedelta(milliseconds=1)


def new_segment(title: str, condition: Condition, static: bool, version: int) -> Segment:
    """A segment to publish."""
    return Segment(
        version, title, segment_dependencies(condition), depends_on_time(condition), static
    )


def static_condition(name: str) -> Condition:
    """The condition of a static segment."""
    return {"contact": f"{STATIC}{name}", "is": True}


def segment_dependencies(condition: Condition) -> Dependencies:
    """What a condition reads; each name once, in order."""
    found = set(dependencies(condition))
    return Dependencies(
        *(tuple(sorted(n for k, n in found if k == kind)) for kind in Dependencies._fields)
    )


def affected_segments(
    segments: Segments, before: Profile | None, after: Profile, event: Event, now: datetime,
    shop_topics: Iterable[str] = (),
) -> set[str]:  # fmt: skip
    """The segments whose membership an event may change.

    For a new contact these are all: it matches conditions such as "has never bought" at once.
    """
    if before is None or not before.last_sequence:
        return {name for name, segment in segments.items() if segment.status == "live"}
    next_changes = after.segment_state.next_changes
    found = {name for name, at in next_changes.items() if at <= now and name in segments}
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
    old = {enrollment.workflow for enrollment in before.active_enrollments.values()}
    new = {enrollment.workflow for enrollment in after.active_enrollments.values()}
    for workflow in old ^ new:
        found.update(segments.workflows.get(workflow, ()))
    return found


def _named(event: Event) -> list[str]:
    """The segments that a re-evaluation names."""
    named = event.data.get("segments")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def evaluated_at(event: Event, now: datetime) -> datetime:
    """The instant of the evaluation: not before the instant of a re-evaluation, whose timer may
    have fired early."""
    return max(now, event.occurred_at) if is_reevaluation(event) else now


def reevaluation_event(
    store: str, at: datetime, segments: Iterable[str] = (), because: str = "", initial: bool = False
) -> Event:
    """The event that has a contact re-evaluated: at its next check, or `because` of something
    else, for these `segments`."""
    names = sorted(segments)
    text = "\n".join([times.format_instant(at), because, *names])
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
    """Whether changes by an event are initial: found by a backfill, or by a very old event."""
    if is_reevaluation(event):
        return event.data.get("initial") is True
    return now - event.occurred_at > MAX_EVENT_AGE


def apply_membership(
    state: SegmentState,
    name: str,
    inside: bool,
    event: Event,
    at: datetime,
    initial: bool,
    dropped: bool = False,
) -> SegmentState:
    """The segment state after the evaluation of one segment."""
    if inside is (name in state.segments):
        return state
    segments = dict(state.segments)
    if inside:
        segments[name] = Membership(at, event.id)
    else:
        del segments[name]
    kept = [change for change in state.crossings if change.name != name]
    if len(kept) == len(state.crossings) and ":" not in name:
        on: Any = "entered" if inside else "dropped" if dropped else "left"
        kept.append(MembershipChange(name, on, at, event.id, initial))
    return state._replace(segments=segments, crossings=tuple(kept))


def set_next_change(state: SegmentState, name: str, at: datetime | None) -> SegmentState:
    """The segment state with the time of a segment's next evaluation.

    Timers have milliseconds, so the time is rounded up: the result has changed when it is due.
    """
    if at is None and name not in state.next_changes:
        return state
    changes = {other: due for other, due in state.next_changes.items() if other != name}
    if at is not None:
        rest = at.microsecond % 1000
        changes[name] = at if not rest else at - timedelta(microseconds=rest) + _MILLISECOND
    return state._replace(next_changes=changes)


def membership_event(change: MembershipChange, cause: Event) -> Event:
    """The event of a membership change; a `stage` change also sets the contact's stage.

    It depends only on its arguments, so that a repetition reports the same event.
    """
    is_stage = change.on == "stage"
    data: dict[str, Any] = {"stage" if is_stage else "segment": change.name}
    if change.initial:
        data["initial"] = True
    if deep := chain_depth(cause.data):
        data[EMITTED_BY] = {"chain_depth": deep}
    name = SEGMENT["entered" if change.on == "entered" else "left"]
    changes = (Change("set", "stage", change.name),) if is_stage else ()
    return Event(
        store=cause.store,
        id=membership_change_id(change),
        name=STAGE_REACHED if is_stage else name,
        occurred_at=change.at,
        source="segment",
        identifiers={},
        data=data,
        contact=ContactUpdate(changes=changes),
    )


def membership_change_id(change: MembershipChange) -> str:
    text = f"{change.name}\n{change.on}\n{change.event}"
    return "s" + sha256(text.encode()).hexdigest()[:31]
