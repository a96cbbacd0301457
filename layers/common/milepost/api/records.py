"""A contact's records as the API and exports show them: plain JSON with documented names."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from milepost.base import times
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
"""Identifier kinds that have another name in the API."""

_MESSAGE = (
    "workflow", "version", "enrollment", "step", "variant", "category", "topic", "template",
    "status", "reason", "decided_at", "accepted_at", "sent_at", "delivered_at", "opened_at",
    "clicked_at", "bounced_at", "complained_at", "rejected_at", "abandoned_at", "attempts", "links",
    "numbers", "ses_id", "delayed_at", "undeliverable_at", "bot_opened_at",
    "bot_clicked_at",
)  # fmt: skip


class Suppression(NamedTuple):
    """Why an address gets no e-mail; `at` is the stored text."""

    reason: str
    at: str


class RecordScope(NamedTuple):
    """Which events of a timeline to read: one name or all, both bounds included.

    Events that have expired at `now` are left out; `size` is how many the caller is likely to read.
    """

    now: datetime
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None
    size: int = 50


def contact_record(profile: Profile, suppressed: Suppression | None) -> dict[str, Any]:
    """A contact as it is now."""
    data = profile.as_data()
    lists = sorted(name for name, member in data.pop("lists", {}).items() if member is True)
    return {
        "id": profile.contact,
        **data,
        "lists": lists,
        "identifiers": {
            NAMES.get(kind, kind): list(profile.known_identifiers[kind])
            for kind in PERMANENT_IDENTIFIERS
            if profile.known_identifiers.get(kind)
        },
        "consent": {
            topic: {
                "state": consent.state,
                "at": times.format_instant(consent.at),
                "method": consent.method,
                "source": consent.source,
                "weak": consent.weak,
            }
            for topic, consent in sorted(profile.consent.items())
        },
        "events": {
            name: {
                "count": total.count,
                "first": times.format_instant(total.first),
                "last": times.format_instant(total.last),
                "value": str(total.value),
            }
            for name, total in sorted(profile.totals.items())
        },
        "active_enrollments": [
            {
                "workflow": active.workflow,
                "enrollment": id_,
                "since": times.format_instant(active.since),
            }
            for id_, active in sorted(profile.active_enrollments.items())
        ],
        "suppressed": suppressed._asdict() if suppressed else None,
    }


def is_bookkeeping(event: Event) -> bool:
    """Whether an event is internal and says nothing about the contact."""
    return (event.source, event.name) in _BOOKKEEPING


_BOOKKEEPING: Final = {
    (SYSTEM_SOURCE, MERGE_REQUESTED),
    (SYSTEM_SOURCE, DUPLICATE_CORRECTED),
    ("clock", REEVALUATED),
}


def event_record(event: Event) -> dict[str, Any]:
    """One event of the timeline, with its contact fields, consent and changes."""
    facts = event.contact
    contact: dict[str, Any] = {
        **facts.fields,
        "properties": dict(facts.properties),
        "consent": [
            {
                **fact._asdict(),
                "at": times.format_instant(fact.at) if fact.at else None,
                "requested_at": times.format_instant(fact.requested_at)
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
        "occurred_at": times.format_instant(event.occurred_at),
        "source": event.source,
        "identifiers": {NAMES.get(k, k): value for k, value in event.identifiers.items()},
        "properties": dict(event.data),
        "contact": {name: value for name, value in contact.items() if value},
    }


def enrollment_record(enrollment: "Enrollment") -> dict[str, Any]:
    """One enrollment: why it began, the outcome of each step, why it ended."""
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
        "since": times.format_instant(enrollment.since),
        "entered_at": times.format_instant(enrollment.entered_at),
        "ended_at": times.format_instant(ended) if ended else None,
        "due_at": times.format_instant(enrollment.resume_point.due)
        if enrollment.resume_point and not ended
        else None,
        "deferred": _deferred(enrollment),
        "steps": {step: dict(outcome) for step, outcome in enrollment.outcomes.items()},
    }


def _deferred(enrollment: "Enrollment") -> dict[str, str | None] | None:
    """The deferred message and the reason; None after the next block run has started."""
    start = enrollment.resume_point
    if enrollment.ended_at or start is None or not start.deferred:
        return None
    if str(start.block_seq + 1) in enrollment.block_started:
        return None
    step, _, reason = start.deferred.partition(": ")
    since = times.format_instant(start.deferred_since) if start.deferred_since else None
    return {
        "step": step,
        "reason": reason,
        "since": since,
        "until": times.format_instant(start.due),
    }


def message_record(id_: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """One message: the decision and the delivery events."""
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
