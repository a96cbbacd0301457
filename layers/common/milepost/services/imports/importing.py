"""The rows of a file to events on timelines, or, in a dry run, to what they would change."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import NamedTuple

from milepost.domain.contacts import Profile
from milepost.domain.events import RESOLUTION_ORDER, Event, contact_id
from milepost.domain.imports.changing import Difference, bears, imported, joined
from milepost.domain.imports.progress import Counts, Import
from milepost.domain.imports.report import MOST_SAMPLES, sample
from milepost.domain.imports.rows import Reader, Row, RowError
from milepost.domain.settings import StoreSettings
from milepost.services.imports.walk import Numbered, Step
from milepost.transfer_ports import People

REMEMBERED = 100_000
"""Contacts that a dry run remembers, to see rows about the same one. An import sees them all."""


class _Change(NamedTuple):
    row: Row
    contact: str
    before: Profile | None
    event: Event
    difference: Difference


@dataclass(slots=True)
class Importing:
    """One stretch of an import."""

    people: People
    settings: StoreSettings
    reader: Reader
    pool: Executor
    _seen: dict[str, int] = field(default_factory=dict)

    def step(self, state: Import, batch: Sequence[Numbered]) -> Step:
        """Do a batch of rows. Doing it again is harmless, and comes to the same counts."""
        rows, errors, failed = self._read(batch)
        owned, strangers = self._owned(state.store, rows)
        errors += strangers
        counts = state.counts.plus(
            rows=len(rows) + failed,
            failed=failed + len(strangers),
            granted=sum(row.granted for row in rows),
            formulas=sum(row.formulas for row in rows),
        )
        changes, counts = self._changes(state, owned, counts)
        if state.phase == "checking":
            done = [(change, self._first(change)) for change in changes]
        else:
            done = self._keep(state, changes)
        samples = list(state.samples)
        for change, held in done:
            if held is not None and held != change.row.number:
                reason = f"is about the contact of row {held}, which was taken"
                errors.append(RowError(change.row.number, "", reason, "keep one row a contact"))
                counts = counts.plus(repeated=1)
                continue
            created = change.difference.created
            withdraws = bool(change.event.data.get("withdraws"))
            counts = counts.plus(created=created, updated=not created, withdrawn=withdraws)
            if len(samples) < MOST_SAMPLES:
                samples.append(sample(change.row.number, change.difference))
        errors.sort()
        return Step(state._replace(counts=counts, samples=tuple(samples)), errors)

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

    def _owned(
        self, store: str, rows: Sequence[Row]
    ) -> tuple[list[tuple[Row, str]], list[RowError]]:
        """Each row with its contact. Of two contacts in one row no import makes one: that could
        not be taken back."""
        wanted = {pair for row in rows for pair in row.identifiers.items()}
        owners = self.people.owners(store, wanted) if wanted else {}
        owned, strangers = [], []
        for row in rows:
            leads = {kind: owners.get((kind, value)) for kind, value in row.identifiers.items()}
            found = {contact for contact in leads.values() if contact}
            if len(found) > 1:
                kinds = " and ".join(kind for kind, contact in leads.items() if contact)
                reason = f"is about two contacts: {kinds} belong to different ones"
                remedy = "leave one of them out, or make them one contact first"
                strangers.append(RowError(row.number, "", reason, remedy))
            else:
                owned.append((row, found.pop() if found else _new(store, row)))
        return owned, strangers

    def _changes(
        self, state: Import, owned: Sequence[tuple[Row, str]], counts: Counts
    ) -> tuple[list[_Change], Counts]:
        """The rows that change something, or did before a crash."""
        contacts = {contact for _, contact in owned}
        profiles = self.people.profiles(state.store, contacts) if contacts else {}
        changes = []
        for row, contact in owned:
            before = profiles.get(contact)
            event, difference = imported(
                state.store, state.id, state.at, row, before, self.settings
            )
            if difference or bears(before, event):
                changes.append(_Change(row, contact, before, event, difference))
            else:
                counts = counts.plus(unchanged=1)
        return changes, counts

    def _first(self, change: _Change) -> int | None:
        """The row that a dry run saw this contact in, if it was not this one."""
        first = self._seen.setdefault(change.contact, change.row.number)
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return first

    def _keep(self, state: Import, changes: Sequence[_Change]) -> list[tuple[_Change, int | None]]:
        """Append the events; each change as it was the first time, and the row that came first."""
        first: dict[str, _Change] = {}
        for change in changes:
            first.setdefault(change.contact, change)
        kept = dict(zip(first, self.pool.map(self._append, first.values()), strict=True))
        enroll = state.plan is not None and state.plan.enroll
        if enroll:
            for contact, change in first.items():
                if kept[contact] is None or _row(kept[contact]) == change.row.number:
                    self._join(kept[contact] or change.event, contact)
        return [(_as_it_was(c, kept[c.contact]), self._row_of(c, first, kept)) for c in changes]

    def _append(self, change: _Change) -> Event | None:
        return self.people.keep(change.contact, change.event)

    def _row_of(
        self, change: _Change, first: dict[str, _Change], kept: dict[str, Event | None]
    ) -> int | None:
        held = kept[change.contact]
        return _row(held) if held else first[change.contact].row.number

    def _join(self, event: Event, contact: str) -> None:
        for each in joined(event):
            self.people.keep(contact, each)


def _row(held: Event | None) -> int | None:
    return None if held is None else held.data["row"]


def _as_it_was(change: _Change, held: Event | None) -> _Change:
    """A row that was done before a crash changes nothing now; what counts is what it did then."""
    if held is None or _row(held) != change.row.number:
        return change
    created = bool(held.data["created"])
    return change._replace(event=held, difference=change.difference._replace(created=created))


def _new(store: str, row: Row) -> str:
    kind = next(kind for kind in RESOLUTION_ORDER if kind in row.identifiers)
    return contact_id(store, kind, row.identifiers[kind])
