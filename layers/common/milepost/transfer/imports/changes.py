"""What a row makes of a contact: its event, what that would change, and how it is taken back.

An import is one event per contact, `Contact Imported`, and all events of one import have one
instant and one id. So a second row about a contact is seen (the timeline has the event already, of
another row), and taking an import back is an event of the same instant whose id comes after: what
anybody said later outranks both, whatever the order in which all this arrives.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from milepost.base import instants
from milepost.contacts.event import ContactUpdate, Event, IdentifierKind
from milepost.contacts.event_names import IMPORT_REVERTED, IMPORTED, LIST
from milepost.contacts.fields import Base, Change
from milepost.contacts.preferences import FREQUENCY, SNOOZED, ends_snooze
from milepost.contacts.profile import Profile, apply_event
from milepost.stores.settings import StoreSettings
from milepost.transfer.imports.rows import Row

SOURCE = "import"
_LAST = "~undone"
"""After every other id that an import gives: `~` is the last sign of ASCII."""


class RowChange(NamedTuple):
    """What one row changes. A field of `filled` was unknown, one of `replaced` was another."""

    created: bool
    filled: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.created or bool(self.filled or self.replaced or self.withdrawn)


def event_id(import_id: str) -> str:
    return f"import:{import_id}"


def is_ours(event: Event, import_id: str) -> bool:
    """Whether an event came of this import."""
    return event.source == SOURCE and event.data.get("import") == import_id


def is_known(profile: Profile | None) -> bool:
    """Whether anything is known of a contact; one that was erased leaves an empty profile."""
    return profile is not None and bool(profile.fields or profile.totals or profile.consent)


def imported(
    store: str,
    import_id: str,
    at: datetime,
    row: Row,
    before: Profile | None,
    settings: StoreSettings,
    new: Sequence[IdentifierKind] = (),
) -> tuple[Event, RowChange]:
    """The event of a row, and what it changes. Identifiers of the kinds in `new` led nowhere.

    It holds what was there before: that is what taking it back needs.
    """
    known = before or Profile(store, "")
    event = Event(
        store=store,
        id=event_id(import_id),
        name=IMPORTED,
        occurred_at=at,
        source=SOURCE,
        identifiers=row.identifiers,
        contact=_lawful(row.facts, known),
    )
    held = {name: held for name in fields_of(event) if (held := _held(known, name))}
    found = _difference(known, event, settings, created=not is_known(before))
    data: dict[str, Any] = {
        "import": import_id,
        "row": row.number,
        "created": found.created,
        "before": {name: list(base) for name, base in held.items()},
    }
    if new:
        data["new"] = list(new)
    if found.withdrawn:
        data["withdraws"] = list(found.withdrawn)
    return replace(event, data=data), found


def _lawful(facts: ContactUpdate, known: Profile) -> ContactUpdate:
    """What an import says, without what would lift a wish of the reader's to get less mail."""
    kept = tuple(
        change
        for change in facts.changes
        if change.name not in (FREQUENCY, SNOOZED)
        or not ends_snooze(known, change.name, change.value)
    )
    return replace(facts, changes=kept)


def fields_of(event: Event) -> list[str]:
    """The fields that an event of an import sets."""
    facts = event.contact
    return [
        *event.identifiers,
        *facts.fields,
        *(f"properties.{name}" for name in facts.properties),
        *(change.name for change in facts.changes),
    ]


def _held(profile: Profile, name: str) -> Base | None:
    """A field's value with all that was added to it, and the instant and event it is from."""
    value = profile.get(name)
    if value is None:
        return None
    stamps = [base[1:] for base in (profile.fields.get(name),) if base]
    stamps += [(each.at, each.event) for each in profile.additions.get(name, ())]
    return (value, *max(stamps))


def _difference(old: Profile, event: Event, settings: StoreSettings, created: bool) -> RowChange:
    new = apply_event(old, event, settings)
    changed = [name for name in fields_of(event) if new.get(name) != old.get(name)]
    return RowChange(
        created=created,
        filled=tuple(name for name in changed if old.get(name) is None),
        replaced=tuple(name for name in changed if old.get(name) is not None),
        withdrawn=tuple(
            topic
            for topic, consent in new.consent.items()
            if consent.state == "withdrawn"
            and (topic not in old.consent or old.consent[topic].state != "withdrawn")
        ),
    )


def difference_of(event: Event) -> RowChange:
    """What an event that is on a timeline already changed when it came there."""
    stamp = (instants.format_instant(event.occurred_at), event.id)
    before, said = _before(event.data), _values(event)
    return RowChange(
        created=bool(event.data["created"]),
        filled=tuple(name for name in fields_of(event) if name not in before),
        replaced=tuple(
            name
            for name in fields_of(event)
            if name in before and before[name][0] != said[name] and before[name][1:] < stamp
        ),
        withdrawn=tuple(event.data.get("withdraws", ())),
    )


def _values(event: Event) -> dict[str, Any]:
    facts = event.contact
    values: dict[str, Any] = dict(facts.fields)
    values |= {f"properties.{name}": value for name, value in facts.properties.items()}
    values |= {change.name: change.value for change in facts.changes}
    for kind, value in event.identifiers.items():
        values[kind] = value
    return values


def carries_import(profile: Profile | None, event: Event) -> bool:
    """Whether a contact shows that this event of an import has been applied to it."""
    return profile is not None and any(
        held[2] == event.id and held[1] == instants.format_instant(event.occurred_at)
        for held in profile.fields.values()
    )


def introduced_identifiers(event: Event) -> list[tuple[IdentifierKind, str]]:
    """The identifiers that an import was the first to know."""
    return [(kind, value) for kind, value in event.identifiers.items() if kind in _new(event)]


def unconfirmed_identifiers(
    event: Event, others: Sequence[Event]
) -> list[tuple[IdentifierKind, str]]:
    """Those of them that nothing but the import says belong to the contact."""
    return [
        (kind, value)
        for kind, value in introduced_identifiers(event)
        if not any(each.identifiers.get(kind) == value for each in others)
    ]


def _new(event: Event) -> Sequence[str]:
    found: Sequence[str] = event.data.get("new", ())
    return found


def list_join_events(event: Event) -> Iterator[Event]:
    """One event for each list that somebody joins by an import; workflows may begin with it."""
    before = event.data["before"]
    for change in event.contact.changes:
        home, _, name = change.name.partition(".")
        if home == "lists" and not before.get(change.name, (False,))[0]:
            yield replace(
                event,
                id=f"{event.id}:{name}",
                name=LIST["added"],
                identifiers={},
                data={"import": event.data["import"], "list": name},
                contact=ContactUpdate(changes=(change,)),
            )


def revert_event(event: Event, others: Iterable[Event], settings: StoreSettings) -> Event:
    """The event that takes one of an import back: every field as it would be without.

    `others` are the contact's other events. They count as far as they are older: an event that was
    under way when the row was read may be newer than what the row found.
    """
    stamp = (instants.format_instant(event.occurred_at), event.id)
    before = Profile(event.store, "", fields=_before(event.data))
    older = (e for e in others if (instants.format_instant(e.occurred_at), e.id) < stamp)
    for each in sorted(older, key=lambda e: (e.occurred_at, e.id)):
        before = apply_event(before, each, settings)
    return Event(
        store=event.store,
        id=f"{event.id}:{_LAST}",
        name=IMPORT_REVERTED,
        occurred_at=event.occurred_at,
        source=SOURCE,
        identifiers={},
        data={"import": event.data["import"], "row": event.data["row"]},
        contact=ContactUpdate(
            changes=tuple(_back(name, before.get(name)) for name in fields_of(event))
        ),
    )


def _before(data: Mapping[str, Any]) -> dict[str, Base]:
    return {name: (value, at, event) for name, (value, at, event) in data["before"].items()}


def _back(name: str, value: Any) -> Change:
    return Change("unset", name) if value is None else Change("set", name, value)
