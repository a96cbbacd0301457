"""Applies the rows of a file as events on timelines; a dry run only computes the changes."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from milepost.contacts.event import IDENTIFIER_PRIORITY, Event, IdentifierKind, contact_id
from milepost.stores.settings import StoreSettings
from milepost.transfer.imports.changes import (
    RowChange,
    carries_import,
    difference_of,
    imported,
    introduced_identifiers,
    list_join_events,
)
from milepost.transfer.imports.import_loop import BatchResult, Numbered
from milepost.transfer.imports.lru import LruCache
from milepost.transfer.imports.progress import Counts, Import
from milepost.transfer.imports.report import MAX_SAMPLES, sample
from milepost.transfer.imports.rows import Row, RowError, RowParser

if TYPE_CHECKING:
    from milepost.transfer.imports.ports import BulkContacts, Identifier


class _Owned(NamedTuple):
    """A row with its contact; identifiers of the kinds in `new` had no contact before it."""

    row: Row
    contact: str
    new: tuple[IdentifierKind, ...]


class _Change(NamedTuple):
    """The changes of a row; `first` is the first row of the file about its contact."""

    row: Row
    first: int
    contact: str
    event: Event
    difference: RowChange


@dataclass(slots=True)
class RowApplier:
    """Applies the rows of an import within one invocation."""

    people: "BulkContacts"
    settings: StoreSettings
    reader: RowParser
    pool: Executor
    _seen: LruCache[str, int] = field(default_factory=LruCache)
    _new: LruCache["Identifier", str] = field(default_factory=LruCache)

    def step(self, state: Import, batch: Sequence[Numbered]) -> BatchResult:
        """Apply a batch of rows. Idempotent, with the same counts."""
        rows, errors, failed = self._read(batch)
        owned, strangers = self._owned(state, rows)
        errors += strangers
        counts = state.counts.plus(
            rows=len(rows) + failed,
            failed=failed + len(strangers),
            granted=sum(row.granted for row in rows),
            formulas=sum(row.formulas for row in rows),
        )
        changes, counts = self._changes(state, owned, counts)
        done = changes if state.phase == "checking" else self._keep(state, changes)
        samples = list(state.samples)
        for change in done:
            if change.first != change.row.number:
                reason = f"is about the contact of row {change.first}, which was taken"
                errors.append(RowError(change.row.number, "", reason, "keep one row a contact"))
                counts = counts.plus(repeated=1)
                continue
            created = change.difference.created
            withdraws = bool(change.event.data.get("withdraws"))
            counts = counts.plus(created=created, updated=not created, withdrawn=withdraws)
            if len(samples) < MAX_SAMPLES:
                samples.append(sample(change.row.number, change.difference))
        errors.sort()
        return BatchResult(state._replace(counts=counts, samples=tuple(samples)), errors)

    def _read(self, batch: Sequence[Numbered]) -> tuple[list[Row], list[RowError], int]:
        rows, errors, failed = list[Row](), list[RowError](), 0
        for number, record in batch:
            match self.reader.read(number, record):
                case Row() as row:
                    rows.append(row)
                case list() as wrong:
                    errors += wrong
                    failed += 1
        return rows, errors, failed

    def _owned(self, state: Import, rows: Sequence[Row]) -> tuple[list[_Owned], list[RowError]]:
        """Each row with its contact. A row of two contacts is an error: a merge has no revert."""
        wanted = {pair for row in rows for pair in row.identifiers.items()}
        known = self.people.owners(state.store, wanted) if wanted else {}
        owners = dict(known)  # and of new contacts in this batch
        owned, strangers = [], []
        for row in rows:
            pairs = _pairs(row)
            leads = {kind: owners.get(p) or self._new.get(p) for kind, p in pairs.items()}
            found = {contact for contact in leads.values() if contact}
            if len(found) > 1:
                kinds = " and ".join(kind for kind, contact in leads.items() if contact)
                reason = f"is about two contacts: {kinds} belong to different ones"
                remedy = "leave one of them out, or make them one contact first"
                strangers.append(RowError(row.number, "", reason, remedy))
                continue
            contact = found.pop() if found else first_id(state.store, row)
            new = tuple(kind for kind, pair in pairs.items() if pair not in known)
            owners |= dict.fromkeys(pairs.values(), contact)
            owned.append(_Owned(row, contact, new))
            if state.phase == "checking":  # a dry run does not link identifiers
                for pair in pairs.values():
                    self._new.first(pair, contact)
        return owned, strangers

    def _changes(
        self, state: Import, owned: Sequence[_Owned], counts: Counts
    ) -> tuple[list[_Change], Counts]:
        """The rows that change something, or did so before a crash."""
        contacts = {each.contact for each in owned}
        profiles = self.people.profiles(state.store, contacts) if contacts else {}
        changes = []
        for row, contact, new in owned:
            before = profiles.get(contact)
            event, difference = imported(
                state.store, state.id, state.at, row, before, self.settings, new
            )
            first = self._seen.first(contact, row.number)
            if difference or carries_import(before, event) or first != row.number:
                changes.append(_Change(row, first, contact, event, difference))
            else:
                counts = counts.plus(unchanged=1)
        return changes, counts

    def _keep(self, state: Import, changes: Sequence[_Change]) -> list[_Change]:
        """Append the events. Returns each change as at the first try, with the first row."""
        firsts = [change for change in changes if change.first == change.row.number]
        enroll = state.plan is not None and state.plan.enroll
        events = self.pool.map(lambda change: self._append(change, enroll), firsts)
        kept = dict(zip((change.row.number for change in firsts), events, strict=True))
        return [_original(change, kept.get(change.row.number)) for change in changes]

    def _append(self, change: _Change, enroll: bool) -> Event:
        """Append the event of a row with its list events; returns the stored event.

        The identifiers are linked before the next batch: `react` also links them, but may be later.
        """
        event = self.people.keep(change.contact, change.event) or change.event
        if _row(event) == change.row.number:
            self.people.link(event.store, change.contact, introduced_identifiers(event))
            for each in list_join_events(event) if enroll else ():
                self.people.keep(change.contact, each)
        return event


def _row(event: Event) -> int:
    row: int = event.data["row"]
    return row


def _original(change: _Change, stored: Event | None) -> _Change:
    """The original change of a row that was applied before a crash."""
    if stored is None or stored is change.event:
        return change
    if _row(stored) != change.row.number:
        return change._replace(first=_row(stored))
    return change._replace(event=stored, difference=difference_of(stored))


def _pairs(row: Row) -> Mapping[IdentifierKind, "Identifier"]:
    return {kind: (kind, value) for kind, value in row.identifiers.items()}


def first_id(store: str, row: Row) -> str:
    """The id of a new contact for a row with unknown identifiers."""
    kind = next(kind for kind in IDENTIFIER_PRIORITY if kind in row.identifiers)
    return contact_id(store, kind, row.identifiers[kind])
