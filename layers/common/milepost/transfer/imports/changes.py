"""The event of an imported row, what it changes, and the event that reverts it.

An import appends one event per contact, `Contact Imported`; all events of one import have the same
instant and id. So a second row about a contact is detected: the timeline has the event already. A
revert is an event of the same instant whose id sorts after it: later changes outrank both, in
whatever order they arrive.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from milepost.base import times
from milepost.contacts.event import ContactUpdate, Event, IdentifierKind
from milepost.contacts.event_names import IMPORT_REVERTED, IMPORTED, LIST
from milepost.contacts.fields import Base, Change
from milepost.contacts.preferences import FREQUENCY, SNOOZED, ends_snooze
from milepost.contacts.profile import Profile, apply_event
from milepost.stores.settings import StoreSettings
from milepost.transfer.imports.rows import Row

SOURCE = "import"
_LAST = "~undone"
"""Sorts after every other id of an import: `~` is the last printable ASCII character."""


class RowChange(NamedTuple):
    """The changes of one row: `filled` fields had no value before, `replaced` ones another."""

    created: bool
    filled: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.created or bool(self.filled or self.replaced or self.withdrawn)


def event_id(import_id: str) -> str:
    return f"import:{import_id}"


def is_ours(event: Event, import_id: str) -> bool:
    """Whether an event belongs to this import."""
    return event.source == SOURCE and event.data.get("import") == import_id


def is_known(profile: Profile | None) -> bool:
    """Whether anything is known of a contact: an erasure leaves an empty profile."""
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
    """The event of a row, and its changes. Identifiers of the kinds in `new` had no contact.

    The event holds the previous values, which a revert needs.
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
    old = {name: base for name in fields_of(event) if (base := _current(known, name))}
    found = _difference(known, event, settings, created=not is_known(before))
    data: dict[str, Any] = {
        "import": import_id,
        "row": row.number,
        "created": found.created,
        "before": {name: list(base) for name, base in old.items()},
    }
    if new:
        data["new"] = list(new)
    if found.withdrawn:
        data["withdraws"] = list(found.withdrawn)
    return replace(event, data=data), found


def _lawful(facts: ContactUpdate, known: Profile) -> ContactUpdate:
    """The update without changes that would end the contact's wish for less e-mail."""
    kept = tuple(
        change
        for change in facts.changes
        if change.name not in (FREQUENCY, SNOOZED)
        or not ends_snooze(known, change.name, change.value)
    )
    return replace(facts, changes=kept)


def fields_of(event: Event) -> list[str]:
    """The fields that an import event sets."""
    facts = event.contact
    return [
        *event.identifiers,
        *facts.fields,
        *(f"properties.{name}" for name in facts.properties),
        *(change.name for change in facts.changes),
    ]


def _current(profile: Profile, name: str) -> Base | None:
    """A field's value with its additions, and the latest instant and event of these."""
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
    """The changes that a stored import event made when it was appended."""
    stamp = (times.format_instant(event.occurred_at), event.id)
    before, values = _before(event.data), _values(event)
    return RowChange(
        created=bool(event.data["created"]),
        filled=tuple(name for name in fields_of(event) if name not in before),
        replaced=tuple(
            name
            for name in fields_of(event)
            if name in before and before[name][0] != values[name] and before[name][1:] < stamp
        ),
        withdrawn=tuple(event.data.get("withdraws", ())),
    )


def _values(event: Event) -> dict[str, Any]:
    facts = event.contact
    values: dict[str, Any] = dict(facts.fields)
    values |= {f"properties.{name}": value for name, value in facts.properties.items()}
    values |= {change.name: change.value for change in facts.changes}
    return values | dict(event.identifiers)


def carries_import(profile: Profile | None, event: Event) -> bool:
    """Whether a profile shows that this import event has been applied."""
    return profile is not None and any(
        base[2] == event.id and base[1] == times.format_instant(event.occurred_at)
        for base in profile.fields.values()
    )


def introduced_identifiers(event: Event) -> list[tuple[IdentifierKind, str]]:
    """The identifiers that the import has added."""
    return [(kind, value) for kind, value in event.identifiers.items() if kind in _new(event)]


def unconfirmed_identifiers(
    event: Event, others: Sequence[Event]
) -> list[tuple[IdentifierKind, str]]:
    """The added identifiers that no other event of the contact has."""
    return [
        (kind, value)
        for kind, value in introduced_identifiers(event)
        if not any(each.identifiers.get(kind) == value for each in others)
    ]


def _new(event: Event) -> Sequence[str]:
    found: Sequence[str] = event.data.get("new", ())
    return found


def list_join_events(event: Event) -> Iterator[Event]:
    """One event for each list that the contact joins; it can trigger workflows."""
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
    """The event that reverts an import event: every field as it would be without the import.

    `others` are the contact's other events. Only older ones count: they include events that were
    not yet applied when the row was read.
    """
    stamp = (times.format_instant(event.occurred_at), event.id)
    before = Profile(event.store, "", fields=_before(event.data))
    older = (e for e in others if (times.format_instant(e.occurred_at), e.id) < stamp)
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
