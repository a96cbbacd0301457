"""The profile of a contact, and how one event changes it.

The same events in any order give the same profile (the timeline stores an event once, so none is
repeated). Fields keep the time of the event that set them: the latest wins, and an untrusted value
has no time and only fills a blank. Totals are counts, sums, minima and maxima, and consent follows
`merge_consent`. Only which event names are counted together past `MAX_EVENT_NAMES` depends on the
order.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from json import dumps
from typing import Any, Literal, NamedTuple

from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.contacts.event import (
    PERSONAL_IDENTIFIERS,
    ConsentEvidence,
    Event,
    IdentifierKind,
    claimable_identifiers,
    trusted,
)
from milepost.contacts.event_names import REEVALUATED
from milepost.contacts.fields import CONTACT_FIELDS, Addition, Base, add_to, current_value, since
from milepost.contacts.segment_state import EMPTY, SegmentState, add_points
from milepost.stores.properties import PREFIX, PropertyTypeError, coerce_property
from milepost.stores.settings import StoreSettings

OTHER_EVENTS = "(other)"
MAX_EVENT_NAMES = 100
"""Event names with totals of their own: every write of a profile costs by its size."""

_SMALLEST = Decimal("0.0001")
"""Amounts have four decimals, so sums are exact in any order and stay short."""

MAX_FIELDS = 100
MAX_TOPICS = 100
MAX_VALUE_LENGTH = 1024
"""Limits of a profile: a DynamoDB item has at most 400 KB, and every write costs by its size."""

IMPORT = "import"
"""The method of consent from an imported file. A file does not prove a grant, so it never counts.
"""

MAX_KNOWN_IDENTIFIERS = 20
"""Identifiers of one kind; a contact with more is a shop's test account or a bot."""

PERMANENT_IDENTIFIERS: tuple[IdentifierKind, ...] = ("email", "external_id", "phone", "device")
"""Identifiers that the profile keeps; those of an order or a cart belong to the event."""


class Consent(NamedTuple):
    """A contact's consent to one topic. `weak` marks a grant without a recorded time."""

    state: Literal["granted", "withdrawn"]
    at: datetime
    method: str
    source: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class EventTotal:
    """The totals of all events of one name."""

    count: int
    first: datetime
    last: datetime
    value: Decimal = Decimal(0)


class ActiveEnrollment(NamedTuple):
    """An enrollment that has not ended; `since` is the time of the event that started it.

    `home` is the contact that stores it, if that one was merged into this contact.
    """

    workflow: str
    version: int
    event: str
    since: datetime
    machine: str
    home: str = ""

    def ref(self, store: str, contact: str, enrollment: str) -> EnrollmentRef:
        return EnrollmentRef(store, self.home or contact, self.workflow, self.version, enrollment)


class NextCheck(NamedTuple):
    """Re-evaluate a contact `at` this time, for something that is due without an event from `since`
    on."""

    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """A contact. `fields` maps a name to its value and the instant and event that set it.

    `moved_events` grows with every migrated enrollment and every contact that is merged into this
    one. `fired` has the newest occurrence of each time trigger. A contact that was merged into
    another has its id in `merged_into`; `merging` is true until all its data has moved there.
    `misrouted` is the stream position of the last misrouted event, and the contact that it belongs
    to. The ledger writes `recent_sends` (see `recent_marketing.py`).
    """

    store: str
    contact: str
    fields: Mapping[str, tuple[Any, str, str]] = field(default_factory=dict)
    totals: Mapping[str, EventTotal] = field(default_factory=dict)
    consent: Mapping[str, Consent] = field(default_factory=dict)
    entries: Mapping[str, datetime] = field(default_factory=dict)
    active_enrollments: Mapping[str, ActiveEnrollment] = field(default_factory=dict)
    known_identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    last_sequence: int = 0
    additions: Mapping[str, tuple[Addition, ...]] = field(default_factory=dict)
    moved_events: int = 0
    fired: Mapping[str, str] = field(default_factory=dict)
    next_check: NextCheck | None = None
    merged_into: str = ""
    merging: bool = False
    misrouted: tuple[int, str] = (0, "")
    segment_state: SegmentState = EMPTY
    recent_sends: Mapping[str, datetime] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        value = current_value(self.fields.get(name), self.additions.get(name, ()))
        return add_points(value, self.segment_state.score) if name == "score" else value

    @property
    def email(self) -> str | None:
        address = self.get("email")
        return address if isinstance(address, str) else None

    @property
    def timezone(self) -> str | None:
        zone = self.get("timezone")
        return zone if isinstance(zone, str) else None

    def as_data(self) -> dict[str, Any]:
        """The contact as JSON for conditions and templates, without absent fields."""
        data: dict[str, Any] = {"properties": {}}
        if self.segment_state.score:
            data["score"] = self.get("score")
        for name in (*self.fields, *(n for n in self.additions if n not in self.fields)):
            home, _, key = name.partition(".")
            value = self.get(name)
            if value is None:
                continue
            if key:
                data.setdefault(home, {})[key] = value
            else:
                data[name] = value
        return data

    def names(self) -> tuple[tuple[IdentifierKind, str], ...]:
        """All permanent identifiers of the contact."""
        known = [
            (kind, value)
            for kind in PERMANENT_IDENTIFIERS
            for value in self.known_identifiers.get(kind, ())
        ]
        if self.email:
            known.append(("email", self.email))
        return tuple(dict.fromkeys(known))

    def consents(self) -> dict[str, str]:
        return {topic: consent.state for topic, consent in self.consent.items()}

    def metrics(self) -> dict[str, dict[str, Any]]:
        """The totals for conditions."""
        return {
            name: {"count": total.count, "last": times.format_instant(total.last)}
            for name, total in self.totals.items()
        }


def apply_event(profile: Profile, event: Event, settings: StoreSettings) -> Profile:
    """The profile after one event."""
    fields, additions = _changed(
        _fields(profile, event, settings), profile.additions, event, settings
    )
    return replace(
        profile,
        fields=fields,
        additions=additions,
        totals=_totals(profile.totals, event),
        consent=_consent(profile.consent, event, settings),
        known_identifiers=_known(profile.known_identifiers, event),
        fired=_reached(profile.fired, event),
    )


def first_seen(profile: Profile) -> str:
    """The time of the contact's first known event; "-" if there is none."""
    return min(
        (times.format_instant(total.first) for total in profile.totals.values()), default="-"
    )


def merge_consent(
    current: Consent | None, fact: ConsentEvidence, seen_at: datetime
) -> Consent | None:
    """The consent to a topic after one more piece of evidence.

    A grant from an import changes nothing: imports can only withdraw consent. The latest dated
    answer counts, and a withdrawal wins a tie. A grant without a date is weak: it counts only if
    there is no dated answer, so a checkbox that a shop repeats with every order never overrides an
    unsubscribe. A withdrawal without a date gets the time of its event.
    """
    if fact.state == "granted" and fact.method == IMPORT:
        return current
    weak = fact.state == "granted" and fact.at is None
    new = Consent(fact.state, fact.at or seen_at, fact.method, fact.source, weak)
    if current is None:
        return new
    if new.weak != current.weak:
        return current if new.weak else new
    if new.weak:
        return min(current, new, key=_evidence)
    return max(current, new, key=_evidence)


def withdrawal(fact: ConsentEvidence, seen_at: datetime) -> Consent:
    """Where a topic stands at once after a withdrawal that does not wait for its event."""
    return Consent("withdrawn", fact.at or seen_at, fact.method, fact.source)


def _evidence(consent: Consent) -> tuple[datetime, bool, str, str]:
    return (consent.at, consent.state == "withdrawn", consent.method, consent.source)


def _fields(
    profile: Profile, event: Event, settings: StoreSettings
) -> dict[str, tuple[Any, str, str]]:
    at = times.format_instant(event.occurred_at) if trusted(event) else ""
    fields = dict(profile.fields)
    for name, value in _stated_fields(event, settings):
        if value is None or len(dumps(value)) > MAX_VALUE_LENGTH:
            continue
        if name not in fields and len(fields) >= MAX_FIELDS:
            continue
        current, new = fields.get(name), (value, at, event.id)
        if current is None or is_stronger_consent(new, current):
            fields[name] = new
    return fields


def _stated_fields(event: Event, settings: StoreSettings) -> Iterator[tuple[str, Any]]:
    """The valid fields of an event: one bad time zone must not block the rest."""
    update = event.contact
    for name, value in update.fields.items():
        yield name, CONTACT_FIELDS[name].normalize(value)
    for kind in PERSONAL_IDENTIFIERS:
        yield kind, event.identifiers.get(kind)
    for key, value in update.properties.items():
        name = f"{PREFIX}{key}"
        with suppress(PropertyTypeError):
            yield name, coerce_property(settings.properties, name, value)


def _changed(
    fields: dict[str, Base],
    additions: Mapping[str, tuple[Addition, ...]],
    event: Event,
    settings: StoreSettings,
) -> tuple[dict[str, Base], dict[str, tuple[Addition, ...]]]:
    """Fields and additions after the event's explicit changes."""
    at = times.format_instant(event.occurred_at)
    kept = {
        name: since(fields[name], added) if name in fields else added
        for name, added in additions.items()
    }  # a value that the shop has just stated counts from then on, like a `set`
    for change in event.contact.changes:
        name = change.name
        known = name in fields or name in kept
        too_much = len(dumps(change.value)) > MAX_VALUE_LENGTH
        if too_much or (not known and len({*fields, *kept}) >= MAX_FIELDS):
            continue
        if change.kind == "set" or change.kind == "unset":  # noqa: PLR1714 - narrows the type
            try:
                value = coerce_property(settings.properties, name, change.value)
            except PropertyTypeError:
                continue
            new = (None if change.kind == "unset" else value, at, event.id)
            if name not in fields or is_stronger_consent(new, fields[name]):
                fields[name] = new
            base: Base | None = fields[name]
            left = since(fields[name], kept.get(name, ()))
        else:
            addition = Addition(at, event.id, change.kind, change.value)
            base, left = add_to(fields.get(name), kept.get(name, ()), addition)
        if base is not None:
            fields[name] = base
        kept[name] = left
    return fields, {name: added for name, added in kept.items() if added}


def is_stronger_consent(new: tuple[Any, str, str], current: tuple[Any, str, str]) -> bool:
    """The later one counts. Two events of one instant may share an id: any fixed rule works."""
    if new[1:] != current[1:]:
        return new[1:] > current[1:]
    return json.dumps(new[0], sort_keys=True) > json.dumps(current[0], sort_keys=True)


def _totals(totals: Mapping[str, EventTotal], event: Event) -> dict[str, EventTotal]:
    name = event.name
    if event.source == "clock" and name == REEVALUATED:
        return dict(totals)
    if name not in totals and len(totals) >= MAX_EVENT_NAMES:
        name = OTHER_EVENTS
    value = value_of(event.data)
    current = totals.get(name)
    if current is None:
        total = EventTotal(1, event.occurred_at, event.occurred_at, value)
    else:
        total = EventTotal(
            current.count + 1,
            min(current.first, event.occurred_at),
            max(current.last, event.occurred_at),
            current.value + value,
        )
    return {**totals, name: total}


def value_of(data: Mapping[str, Any]) -> Decimal:
    for key in ("value", "revenue", "total"):
        amount = data.get(key)
        if isinstance(amount, int | float | str) and not isinstance(amount, bool):
            try:
                value = Decimal(str(amount))
            except InvalidOperation:
                continue
            if value.is_finite() and abs(value) < 10**15:
                return value.quantize(_SMALLEST)
    return Decimal(0)


def _consent(
    current: Mapping[str, Consent], event: Event, settings: StoreSettings
) -> dict[str, Consent]:
    consent = dict(current)
    for fact in event.contact.consents:
        for topic in (fact.topic,) if fact.topic else settings.shop_topics:
            if topic not in consent and len(consent) >= MAX_TOPICS:
                continue
            merged = merge_consent(consent.get(topic), fact, event.occurred_at)
            if merged is not None:
                consent[topic] = merged
    return consent


def _reached(marks: Mapping[str, str], event: Event) -> Mapping[str, str]:
    """Keep the newest occurrence of each time trigger."""
    if event.source != "clock" or "time_trigger_key" not in event.data:
        return marks
    key, mark = str(event.data["time_trigger_key"]), str(event.data["occurrence"])
    return {**marks, key: max(marks.get(key, ""), mark)}


def _known(known: Mapping[str, tuple[str, ...]], event: Event) -> dict[str, tuple[str, ...]]:
    merged, claimed = dict(known), claimable_identifiers(event)
    for kind in PERMANENT_IDENTIFIERS:
        value = claimed.get(kind)
        if value and value not in merged.get(kind, ()):
            merged[kind] = tuple(sorted((*merged.get(kind, ()), value))[:MAX_KNOWN_IDENTIFIERS])
    return merged
