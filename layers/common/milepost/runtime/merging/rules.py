"""Two contacts turn out to be one person: whether they are made one, and what comes of it.

Whoever applies an event and finds that one of its identifiers leads to another contact asks that
one to merge (`MergeRequest`). The asked contact decides in the order of its own timeline, where all
that it was before has been applied and nothing that comes after.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
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
    """What a contact is asked: to merge `into` the one whose event carried this identifier.

    `at` and `event` are that event's instant and id.
    """

    into: str
    kind: IdentifierKind
    value: str
    trusted: bool
    at: str
    event: str


class OpenEnrollment(NamedTuple):
    """An enrollment of a contact that is merged away: where it is kept, and what it is for."""

    ref: EnrollmentRef
    key: str
    event_id: str

    def at(self, contact: str) -> str:
        """The id it would have as another contact's."""
        distinction = f"key {self.key}" if self.key else self.event_id
        return enrollment_id(self.ref.store, self.ref.workflow, contact, distinction)


def merge_request_event(contact: str, event: Event, kind: IdentifierKind) -> Event:
    """The event by which `contact` asks whoever an identifier of its event leads to."""
    value, at = event.identifiers[kind], instants.format_instant(event.occurred_at)
    return _note(
        event,
        MERGE_REQUESTED,
        MergeRequest(contact, kind, value, trusted(event), at, event.id)._asdict(),
    )


def read_merge_request(event: Event) -> MergeRequest:
    """Undo `merge_request_event`."""
    return MergeRequest(**event.data)


def reverse_request(event: Event, contact: str) -> Event:
    """The same question, put to the one who asked."""
    return _note(event, MERGE_REQUESTED, {**event.data, "into": contact})


def merge_completed_event(event: Event, loser: str) -> Event:
    """What the timeline that remains says of a merge."""
    return _note(event, MERGED, {"from": loser})


def duplicate_corrected_event(event: Event, loser: str) -> Event:
    """The correction for an event that was counted for both contacts before they were one."""
    data = {"name": event.name, "value": str(value_of(event.data)), "from": loser, "id": event.id}
    return _note(event, DUPLICATE_CORRECTED, data)


def _note(event: Event, name: str, data: Mapping[str, Any]) -> Event:
    """A note with an id and a time of its own making, so that it is made once."""
    text = "\n".join(str(data[key]) for key in sorted(data))
    id_ = sha256(text.encode()).hexdigest()[:32]
    return Event(event.store, id_, name, event.occurred_at, SYSTEM_SOURCE, {}, data)


def decide(asked_one: Profile, asking_one: Profile, ask: MergeRequest) -> Verdict:
    """Whether the contact that is asked merges into the one that asks.

    `lead`: they stay two, and the identifier leads to whoever was seen with it last.
    """
    if anonymous(asked_one.known_identifiers):
        return "merge"
    if anonymous(asking_one.known_identifiers):
        return "the other way"
    if ask.kind not in PERSONAL_IDENTIFIERS:
        return "lead"
    return "merge" if ask.trusted and not _told_apart(asked_one, asking_one) else "refuse"


def _told_apart(one: Profile, other: Profile) -> bool:
    """Whether the shop itself knows them as two customers."""
    ids, others = (
        one.known_identifiers.get("external_id", ()),
        other.known_identifiers.get("external_id", ()),
    )
    return bool(ids and others) and not set(ids) & set(others)


def conflicting_identifiers(
    winner: Profile, loser: Profile, stays: Iterable[OpenEnrollment]
) -> set[str]:
    """The enrollments of the loser that end: the winner is inside for the same thing."""
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
    """The winner after a merge. Whoever is merged into itself stays as it is.

    Apart from names and open enrollments the same comes of any order and grouping.
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
            kind: tuple(
                sorted(
                    {
                        *winner.known_identifiers.get(kind, ()),
                        *loser.known_identifiers.get(kind, ()),
                    }
                )
            )[:MAX_KNOWN_IDENTIFIERS]
            for kind in PERMANENT_IDENTIFIERS
            if kind in winner.known_identifiers or kind in loser.known_identifiers
        },
    )


def with_claimed_identifier(profile: Profile, ask: MergeRequest) -> Profile:
    """The profile with the identifier that was asked about, as its event would have set it."""
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
    """Where a topic stands if two contacts are one: a no of either holds.

    It holds from the later of both answers, so that a yes which was known then does not undo it
    when its event comes again. Only a yes that is given later does.
    """
    if one.state != other.state:
        no, yes = (one, other) if one.state == "withdrawn" else (other, one)
        return no if yes.weak else no._replace(at=max(no.at, yes.at))
    if one.state == "withdrawn":
        said = max((one.method, one.source), (other.method, other.source))
        return Consent("withdrawn", max(one.at, other.at), *said)
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
    noes_first = sorted(merged, key=lambda topic: (merged[topic].state != "withdrawn", topic))
    return {topic: merged[topic] for topic in noes_first[:MAX_TOPICS]}


def _sooner(one: NextCheck | None, other: NextCheck | None) -> NextCheck | None:
    """Whichever comes first: to look once too often is harmless."""
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
    """As many properties as a profile keeps, those that were set last."""
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
