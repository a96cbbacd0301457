"""What the API and an export tell of a contact: plain JSON, of the names that the documents use."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from milepost.base import instants
from milepost.contacts.event import Event
from milepost.contacts.event_names import (
    DUPLICATE_CORRECTED,
    MERGE_REQUESTED,
    REEVALUATED,
    SYSTEM_SOURCE,
)
from milepost.contacts.profile import PERMANENT_IDENTIFIERS, Profile

if TYPE_CHECKING:
    from milepost.enrollments.enrollment import Enrollment


NAMES: Mapping[str, str] = {"device": "device_id"}
"""Identifiers as the API calls them, where it calls them otherwise."""

_MESSAGE = (
    "workflow", "version", "enrollment", "step", "variant", "category", "topic", "template",
    "status", "reason", "decided_at", "accepted_at", "sent_at", "delivered_at", "opened_at",
    "clicked_at", "bounced_at", "complained_at", "rejected_at", "abandoned_at", "attempts", "links",
    "numbers", "ses_id", "delayed_at", "undeliverable_at", "bot_opened_at",
    "bot_clicked_at",
)  # fmt: skip


class Suppression(NamedTuple):
    """Why an address is not mailed; `at` as it was written down."""

    reason: str
    at: str


class RecordScope(NamedTuple):
    """What to see of a timeline: of one event name or of all, and both bounds included.

    Events whose time is over at `now` are not shown; `size` is how many are likely to be looked at.
    """

    now: datetime
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None
    size: int = 50


def contact_record(profile: Profile, suppressed: Suppression | None) -> dict[str, Any]:
    """A contact as it is now."""
    data = profile.as_data()
    lists = {name: inside for name, inside in data.pop("lists", {}).items() if inside is True}
    return {
        "id": profile.contact,
        **data,
        "lists": sorted(lists),
        "identifiers": {
            NAMES.get(kind, kind): list(profile.known_identifiers[kind])
            for kind in PERMANENT_IDENTIFIERS
            if profile.known_identifiers.get(kind)
        },
        "consent": {
            topic: {
                "state": held.state,
                "at": instants.format_instant(held.at),
                "method": held.method,
                "source": held.source,
                "weak": held.weak,
            }
            for topic, held in sorted(profile.consent.items())
        },
        "events": {
            name: {
                "count": total.count,
                "first": instants.format_instant(total.first),
                "last": instants.format_instant(total.last),
                "value": str(total.value),
            }
            for name, total in sorted(profile.totals.items())
        },
        "active_enrollments": [
            {
                "workflow": held.workflow,
                "enrollment": id_,
                "since": instants.format_instant(held.since),
            }
            for id_, held in sorted(profile.active_enrollments.items())
        ],
        "suppressed": suppressed._asdict() if suppressed else None,
    }


def is_bookkeeping(event: Event) -> bool:
    """Whether an event is bookkeeping, of which nothing is to be learned about a contact."""
    return (event.source, event.name) in _BOOKKEEPING


_BOOKKEEPING: Final = {
    (SYSTEM_SOURCE, MERGE_REQUESTED),
    (SYSTEM_SOURCE, DUPLICATE_CORRECTED),
    ("clock", REEVALUATED),
}


def event_record(event: Event) -> dict[str, Any]:
    """One event of the timeline, with all it said of the contact."""
    facts = event.contact
    said: dict[str, Any] = {
        **facts.fields,
        "properties": dict(facts.properties),
        "consent": [
            {
                **fact._asdict(),
                "at": instants.format_instant(fact.at) if fact.at else None,
                "requested_at": instants.format_instant(fact.requested_at)
                if fact.requested_at
                else None,
            }
            for fact in facts.consents
        ],
        "changes": [change._asdict() for change in facts.changes],
    }
    return {
        "event": event.name,
        "id": event.id,
        "occurred_at": instants.format_instant(event.occurred_at),
        "source": event.source,
        "identifiers": {NAMES.get(k, k): value for k, value in event.identifiers.items()},
        "properties": dict(event.data),
        "contact": {name: value for name, value in said.items() if value},
    }


def enrollment_record(enrollment: "Enrollment") -> dict[str, Any]:
    """One way through a workflow: why it began, what each step came to, why it ended."""
    ended = enrollment.ended_at
    return {
        "id": enrollment.ref.id,
        "workflow": enrollment.ref.workflow,
        "version": enrollment.ref.version,
        "status": enrollment.status,
        "reason": enrollment.reason or None,
        "key": enrollment.key or None,
        "event": enrollment.event_name,
        "event_id": enrollment.event_id,
        "event_properties": dict(enrollment.event_data),
        "since": instants.format_instant(enrollment.since),
        "entered_at": instants.format_instant(enrollment.entered_at),
        "ended_at": instants.format_instant(ended) if ended else None,
        "due_at": instants.format_instant(enrollment.resume_point.due)
        if enrollment.resume_point and not ended
        else None,
        "deferred": _deferred(enrollment),
        "steps": {step: dict(outcome) for step, outcome in enrollment.outcomes.items()},
    }


def _deferred(enrollment: "Enrollment") -> dict[str, str | None] | None:
    """Which message is put off, and why; None once everything of that block has been decided."""
    start = enrollment.resume_point
    if enrollment.ended_at or start is None or not start.deferred:
        return None
    if str(start.block_seq + 1) in enrollment.block_started:
        return None
    step, _, reason = start.deferred.partition(": ")
    since = instants.format_instant(start.deferred_since) if start.deferred_since else None
    return {
        "step": step,
        "reason": reason,
        "since": since,
        "until": instants.format_instant(start.due),
    }


def message_record(id_: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """One decision to send or not to send, and what became of it."""
    known = {name: plain(facts[name]) for name in _MESSAGE if facts.get(name) is not None}
    return {"id": id_, "reason": None, **known}


def plain(value: Any) -> Any:
    """A stored value as JSON: numbers are numbers, sets are sorted lists, bytes are left out."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case set() | frozenset():
            return sorted(plain(each) for each in value)
        case Mapping():
            return {str(name): plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case bytes():
            return None
        case _:
            return value
