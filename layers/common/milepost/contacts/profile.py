"""What is known of a contact, and how one event changes it.

Every change commutes: the same events in any order end in the same profile (repeated ones never
come here: the timeline keeps an event once). Fields keep the time of the event that set them (the
latest wins; what the shop does not stand for has no time and fills a blank), totals are counts,
sums, minima and maxima, and consent follows the rule in `merge_consent`. Only which names are
lumped together past `MAX_EVENT_NAMES` depends on who came first.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from json import dumps
from typing import Any, Literal, NamedTuple

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
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
"""A profile is paid for per KB at every write, so one contact has totals for this many names."""

_SMALLEST = Decimal("0.0001")
"""Amounts are kept to four places: sums are exact then, whatever the order, and stay short."""

MAX_FIELDS = 100
MAX_TOPICS = 100
MAX_VALUE_LENGTH = 1024
"""Bounds of what a profile keeps: a DynamoDB item ends at 400 KB, and every write pays for all."""

IMPORT = "import"
"""The method of an answer that came with a file. A file proves no "yes", so it never counts as one.
"""

MAX_KNOWN_IDENTIFIERS = 20
"""Identifiers of one kind: whoever has more is a shop's own test account, or a bot."""

PERMANENT_IDENTIFIERS: tuple[IdentifierKind, ...] = ("email", "external_id", "phone", "device")
"""Identifiers of the person; those of an order or a cart belong to the event alone."""


class Consent(NamedTuple):
    """Where a contact stands on one topic. `weak` marks a yes whose time nobody recorded."""

    state: Literal["granted", "withdrawn"]
    at: datetime
    method: str
    source: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class EventTotal:
    """What is kept of all events of one name."""

    count: int
    first: datetime
    last: datetime
    value: Decimal = Decimal(0)


class ActiveEnrollment(NamedTuple):
    """An enrollment the contact is inside of; `since` is the time of the event that began it.

    `home` is the contact under which it is kept, if that is another one that was merged into this.
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
    """When to look at a contact again, `at`, for something that comes by itself from `since` on."""

    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """A contact. `fields` maps a name to its value and the instant and event that set it.

    `moved` grows whenever an enrollment goes over to another version of its workflow, or another
    contact is merged into this one. `reached` holds the newest mark of each occasion that came
    (see `occasions.py`). A contact that has itself been merged into another keeps little but that
    one's id; `merging` is true while not all that was its own has arrived there. `astray` is the
    last position at which an event of somebody else came, and whose it is. `mailed` is the
    marketing of late, which the ledger writes (see `mailed.py`).
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
        """The contact as conditions and templates see it: plain JSON, absent fields left out."""
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
        """All identifiers of the person that are known."""
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
        """The totals as conditions see them."""
        return {
            name: {"count": total.count, "last": instants.format_instant(total.last)}
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
    """When the contact first did anything we know of; "-" for one who never did."""
    return min(
        (instants.format_instant(total.first) for total in profile.totals.values()), default="-"
    )


def merge_consent(
    current: Consent | None, fact: ConsentEvidence, seen_at: datetime
) -> Consent | None:
    """Where a topic stands after one more piece of evidence.

    A "yes" of an import changes nothing, however it is dated: imports can only lower consent.

    The latest dated answer counts, and "no" wins a tie. A yes without a date is weak: it counts
    only while nothing dated is known, so a checkbox a shop repeats with every order never
    overrides an unsubscribe. A no without a date is dated by the event that reported it.
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


def _evidence(consent: Consent) -> tuple[datetime, bool, str, str]:
    return (consent.at, consent.state == "withdrawn", consent.method, consent.source)


def _fields(
    profile: Profile, event: Event, settings: StoreSettings
) -> dict[str, tuple[Any, str, str]]:
    at = instants.format_instant(event.occurred_at) if trusted(event) else ""
    fields = dict(profile.fields)
    for name, value in _said(event, settings):
        if value is None or len(dumps(value)) > MAX_VALUE_LENGTH:
            continue
        if name not in fields and len(fields) >= MAX_FIELDS:
            continue
        held, new = fields.get(name), (value, at, event.id)
        if held is None or is_stronger_consent(new, held):
            fields[name] = new
    return fields


def _said(event: Event, settings: StoreSettings) -> Iterator[tuple[str, Any]]:
    """What an event says of the person, without what is not what it should be: one bad zone in a
    shop's records must not keep the rest of them out."""
    facts = event.contact
    for name, value in facts.fields.items():
        yield name, CONTACT_FIELDS[name].normalize(value)
    for kind in PERSONAL_IDENTIFIERS:
        yield kind, event.identifiers.get(kind)
    for key, value in facts.properties.items():
        name = f"{PREFIX}{key}"
        with suppress(PropertyTypeError):
            yield name, coerce_property(settings.properties, name, value)


def _changed(
    fields: dict[str, Base],
    additions: Mapping[str, tuple[Addition, ...]],
    event: Event,
    settings: StoreSettings,
) -> tuple[dict[str, Base], dict[str, tuple[Addition, ...]]]:
    """Fields and additions after the changes that a workflow's step reports."""
    at = instants.format_instant(event.occurred_at)
    kept = {
        name: since(fields[name], held) if name in fields else held
        for name, held in additions.items()
    }  # what the shop has just said of a field counts from then on, as a `set` does
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
    return fields, {name: held for name, held in kept.items() if held}


def is_stronger_consent(new: tuple[Any, str, str], held: tuple[Any, str, str]) -> bool:
    """The later one counts. Two events of one instant may share an id: any rule will do then."""
    if new[1:] != held[1:]:
        return new[1:] > held[1:]
    return json.dumps(new[0], sort_keys=True) > json.dumps(held[0], sort_keys=True)


def _totals(totals: Mapping[str, EventTotal], event: Event) -> dict[str, EventTotal]:
    name = event.name
    if event.source == "clock" and name == REEVALUATED:
        return dict(totals)
    if name not in totals and len(totals) >= MAX_EVENT_NAMES:
        name = OTHER_EVENTS
    value = value_of(event.data)
    held = totals.get(name)
    if held is None:
        total = EventTotal(1, event.occurred_at, event.occurred_at, value)
    else:
        total = EventTotal(
            held.count + 1,
            min(held.first, event.occurred_at),
            max(held.last, event.occurred_at),
            held.value + value,
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
    held: Mapping[str, Consent], event: Event, settings: StoreSettings
) -> dict[str, Consent]:
    consent = dict(held)
    for fact in event.contact.consents:
        for topic in (fact.topic,) if fact.topic else settings.shop_topics:
            if topic not in consent and len(consent) >= MAX_TOPICS:
                continue
            weighed = merge_consent(consent.get(topic), fact, event.occurred_at)
            if weighed is not None:
                consent[topic] = weighed
    return consent


def _reached(marks: Mapping[str, str], event: Event) -> Mapping[str, str]:
    """The newest mark of each occasion stays, whatever the order."""
    if event.source != "clock" or "time_trigger_key" not in event.data:
        return marks
    key, mark = str(event.data["time_trigger_key"]), str(event.data["occurrence"])
    return {**marks, key: max(marks.get(key, ""), mark)}


def _known(known: Mapping[str, tuple[str, ...]], event: Event) -> dict[str, tuple[str, ...]]:
    merged, said = dict(known), claimable_identifiers(event)
    for kind in PERMANENT_IDENTIFIERS:
        value = said.get(kind)
        if value and value not in merged.get(kind, ()):
            merged[kind] = tuple(sorted((*merged.get(kind, ()), value))[:MAX_KNOWN_IDENTIFIERS])
    return merged
