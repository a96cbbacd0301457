"""The rules of merging: whether two contacts merge, and what the merged profile contains.

When an event has an identifier of another contact, that contact gets a `MergeRequest`. It decides
in the order of its own timeline, after all earlier and before all later events.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.contacts.event import PERSONAL_IDENTIFIERS, Event, IdentifierKind, anonymous, trusted
from milepost.contacts.event_names import (
    DUPLICATE_CORRECTED,
    MERGE_REQUESTED,
    MERGED,
    SYSTEM_SOURCE,
)
from milepost.contacts.fields import Addition, Base, add_to
from milepost.contacts.profile import (
    MAX_EVENT_NAMES,
    MAX_FIELDS,
    MAX_KNOWN_IDENTIFIERS,
    MAX_TOPICS,
    OTHER_EVENTS,
    PERMANENT_IDENTIFIERS,
    Consent,
    EventTotal,
    NextCheck,
    Profile,
    is_stronger_consent,
    value_of,
)
from milepost.contacts.recent_marketing import merge_sends as mailed_to_both
from milepost.contacts.segment_state import merge_segment_states
from milepost.enrollments.entry import enrollment_id
from milepost.stores.properties import PREFIX

Verdict = Literal["merge", "the other way", "lead", "refuse"]

ALREADY_ENROLLED: Final = "merged into a contact who is already inside"
MERGED_INTO_OTHER: Final = "goes on under the contact it was begun for"


class MergeRequest(NamedTuple):
    """Asks a contact to merge `into` the one whose event had this identifier.

    `at` and `event` are that event's time and id.
    """

    into: str
    kind: IdentifierKind
    value: str
    trusted: bool
    at: str
    event: str


class OpenEnrollment(NamedTuple):
    """An enrollment of a merged contact: its reference, key and trigger event."""

    ref: EnrollmentRef
    key: str
    event_id: str

    def at(self, contact: str) -> str:
        """The id that it would have for another contact."""
        distinction = f"key {self.key}" if self.key else self.event_id
        return enrollment_id(self.ref.store, self.ref.workflow, contact, distinction)


def merge_request_event(contact: str, event: Event, kind: IdentifierKind) -> Event:
    """The merge request of `contact` for an identifier of its event."""
    value, at = event.identifiers[kind], times.format_instant(event.occurred_at)
    return _note(
        event,
        MERGE_REQUESTED,
        MergeRequest(contact, kind, value, trusted(event), at, event.id)._asdict(),
    )


def read_merge_request(event: Event) -> MergeRequest:
    """Undo `merge_request_event`."""
    return MergeRequest(**event.data)


def reverse_request(event: Event, contact: str) -> Event:
    """The same request in the other direction."""
    return _note(event, MERGE_REQUESTED, {**event.data, "into": contact})


def merge_completed_event(event: Event, loser: str) -> Event:
    """The event on the winner's timeline after a merge."""
    return _note(event, MERGED, {"from": loser})


def duplicate_corrected_event(event: Event, loser: str) -> Event:
    """The correction for an event that was counted for both contacts before the merge."""
    data = {"name": event.name, "value": str(value_of(event.data)), "from": loser, "id": event.id}
    return _note(event, DUPLICATE_CORRECTED, data)


def _note(event: Event, name: str, data: Mapping[str, Any]) -> Event:
    """A system event whose id depends on its data, so that it exists once."""
    text = "\n".join(str(data[key]) for key in sorted(data))
    id_ = sha256(text.encode()).hexdigest()[:32]
    return Event(event.store, id_, name, event.occurred_at, SYSTEM_SOURCE, {}, data)


def decide(asked_one: Profile, asking_one: Profile, ask: MergeRequest) -> Verdict:
    """Whether the contact that is asked merges into the one that asks.

    `lead`: they stay two, and the identifier points to the contact that used it last.
    """
    if anonymous(asked_one.known_identifiers):
        return "merge"
    if anonymous(asking_one.known_identifiers):
        return "the other way"
    if ask.kind not in PERSONAL_IDENTIFIERS:
        return "lead"
    return "merge" if ask.trusted and not _are_distinct(asked_one, asking_one) else "refuse"


def _are_distinct(one: Profile, other: Profile) -> bool:
    """Whether the shop knows them as two customers."""
    ids, others = _known(one, "external_id"), _known(other, "external_id")
    return bool(ids and others) and not ids & others


def conflicting_identifiers(
    winner: Profile, loser: Profile, stays: Iterable[OpenEnrollment]
) -> set[str]:
    """The enrollments of the loser that end because the winner has one for the same."""
    kept = {stay.ref.id: stay for stay in stays}
    ends = set()
    for id_, presence in loser.active_enrollments.items():
        stay = kept.get(id_)
        for other_id, other in winner.active_enrollments.items():
            if other.workflow != presence.workflow or other_id == id_:
                continue
            if stay is None or not stay.key or other_id == stay.at(other.home or winner.contact):
                ends.add(id_)
    return ends


def merge_profiles(winner: Profile, loser: Profile, ends: Collection[str] = ()) -> Profile:
    """The winner after a merge; a merge of a contact with itself changes nothing.

    Apart from identifiers and enrollments the result is the same in any order and grouping.
    """
    if (winner.store, winner.contact) == (loser.store, loser.contact):
        return winner
    fields, additions = _fields(winner, loser)
    came = {
        id_: presence._replace(home=presence.home or loser.contact)
        for id_, presence in loser.active_enrollments.items()
        if id_ not in ends and id_ not in winner.active_enrollments
    }
    return replace(
        winner,
        fields=fields,
        additions=additions,
        totals=_totals(winner.totals, loser.totals),
        consent=_consents(winner.consent, loser.consent),
        entries=_latest(winner.entries, loser.entries),
        fired=_latest(winner.fired, loser.fired),
        next_check=_sooner(winner.next_check, loser.next_check),
        segment_state=merge_segment_states(winner.segment_state, loser.segment_state),
        recent_sends=mailed_to_both(winner.recent_sends, loser.recent_sends),
        active_enrollments={**winner.active_enrollments, **came},
        known_identifiers={
            kind: tuple(sorted(_known(winner, kind) | _known(loser, kind)))[:MAX_KNOWN_IDENTIFIERS]
            for kind in PERMANENT_IDENTIFIERS
            if kind in winner.known_identifiers or kind in loser.known_identifiers
        },
    )


def _known(profile: Profile, kind: IdentifierKind) -> set[str]:
    return set(profile.known_identifiers.get(kind, ()))


def with_claimed_identifier(profile: Profile, ask: MergeRequest) -> Profile:
    """The profile with the identifier of a merge request, as its event would have set it."""
    fields, known = dict(profile.fields), dict(profile.known_identifiers)
    if ask.kind in PERSONAL_IDENTIFIERS:
        new = (ask.value, ask.at, ask.event)
        held = fields.get(ask.kind)
        if held is None or is_stronger_consent(new, held):
            fields[ask.kind] = new
    if ask.kind in PERMANENT_IDENTIFIERS and ask.value not in known.get(ask.kind, ()):
        known[ask.kind] = tuple(sorted((*known.get(ask.kind, ()), ask.value)))[
            :MAX_KNOWN_IDENTIFIERS
        ]
    return replace(profile, fields=fields, known_identifiers=known)


def correct_totals(profile: Profile, event: Event) -> Profile:
    """The profile after `duplicate_corrected_event`."""
    name, value = event.data["name"], Decimal(event.data["value"])
    held = profile.totals.get(name) or profile.totals.get(OTHER_EVENTS)
    if held is None:
        return profile
    name = name if name in profile.totals else OTHER_EVENTS
    total = replace(held, count=held.count - 1, value=held.value - value)
    return replace(profile, totals={**profile.totals, name: total})


def stricter_consent(one: Consent, other: Consent) -> Consent:
    """The consent of a merged contact to a topic: a withdrawal by either one wins.

    It is dated at the later of both answers, so that the known grant does not win when its event
    is repeated. Only a later grant does.
    """
    if one.state != other.state:
        no, yes = (one, other) if one.state == "withdrawn" else (other, one)
        return no if yes.weak else no._replace(at=max(no.at, yes.at))
    if one.state == "withdrawn":
        proof = max((one.method, one.source), (other.method, other.source))
        return Consent("withdrawn", max(one.at, other.at), *proof)
    if one.weak != other.weak:
        return other if one.weak else one
    return min(one, other) if one.weak else max(one, other)


def _consents(one: Mapping[str, Consent], other: Mapping[str, Consent]) -> dict[str, Consent]:
    both = {
        topic: stricter_consent(one[topic], other[topic]) for topic in one.keys() & other.keys()
    }
    merged = {**one, **other, **both}
    if len(merged) <= MAX_TOPICS:
        return merged
    ordered = sorted(merged, key=lambda topic: (merged[topic].state != "withdrawn", topic))
    return {topic: merged[topic] for topic in ordered[:MAX_TOPICS]}


def _sooner(one: NextCheck | None, other: NextCheck | None) -> NextCheck | None:
    """The earlier check: an unnecessary check does no harm."""
    if one is None or other is None:
        return one or other
    return NextCheck(min(one.since, other.since), min(one.at, other.at))


def _latest(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, **{k: max(v, one[k]) if k in one else v for k, v in other.items()}}


def _fields(
    one: Profile, other: Profile
) -> tuple[dict[str, Base], dict[str, tuple[Addition, ...]]]:
    fields: dict[str, Base] = dict(one.fields)
    for name, new in other.fields.items():
        if name not in fields or is_stronger_consent(new, fields[name]):
            fields[name] = new
    additions: dict[str, tuple[Addition, ...]] = {}
    for name in {**one.additions, **other.additions}:
        base: Base | None = fields.get(name)
        left: tuple[Addition, ...] = ()
        both = (*one.additions.get(name, ()), *other.additions.get(name, ()))
        for addition in sorted(both, key=lambda each: each[:2]):
            base, left = add_to(base, left, addition)
        if base is not None:
            fields[name] = base
        if left:
            additions[name] = left
    return _newest(fields), additions


def _newest(fields: dict[str, Base]) -> dict[str, Base]:
    """The `MAX_FIELDS` properties that were set last."""
    own = sorted((n for n in fields if n.startswith(PREFIX)), key=lambda n: (fields[n][1:], n))
    dropped = set(own[: max(0, len(own) - MAX_FIELDS)])
    return {name: base for name, base in fields.items() if name not in dropped}


def _totals(
    one: Mapping[str, EventTotal], other: Mapping[str, EventTotal]
) -> dict[str, EventTotal]:
    merged = dict(one)
    for name, total in other.items():
        merged[name] = _sum(merged[name], total) if name in merged else total
    names = sorted(merged.keys() - {OTHER_EVENTS}, key=lambda n: (merged[n].last, n), reverse=True)
    for name in names[MAX_EVENT_NAMES:]:
        lumped = merged.pop(name)
        held = merged.get(OTHER_EVENTS)
        merged[OTHER_EVENTS] = _sum(held, lumped) if held else lumped
    return merged


def _sum(one: EventTotal, other: EventTotal) -> EventTotal:
    return EventTotal(
        one.count + other.count,
        min(one.first, other.first),
        max(one.last, other.last),
        one.value + other.value,
    )
