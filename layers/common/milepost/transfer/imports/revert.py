"""Reverts an import, row by row of the same file: restores changed fields, removes new contacts.

A contact that only the import knows is removed completely. That is safe once `react` has applied
all events of the import. All other contacts get an event that restores the fields; later changes
stay. A consent that the import withdrew stays withdrawn: a revert never grants consent.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from milepost.base.errors import ThrottledError
from milepost.contacts.event import IDENTIFIER_PRIORITY, Event
from milepost.contacts.event_names import DATE, IMPORTED, INACTIVE, REEVALUATED, SEGMENT
from milepost.stores.settings import StoreSettings
from milepost.transfer.imports.apply_rows import first_id
from milepost.transfer.imports.changes import (
    event_id,
    is_ours,
    revert_event,
    unconfirmed_identifiers,
)
from milepost.transfer.imports.import_loop import BatchResult, Numbered
from milepost.transfer.imports.progress import Import
from milepost.transfer.imports.rows import Row, RowParser

if TYPE_CHECKING:
    from milepost.transfer.imports.ports import BulkContacts, ImportedContact


Outcome = Literal["restored", "erased", "left"]

_DERIVED = frozenset({*SEGMENT.values(), DATE, INACTIVE, REEVALUATED})
"""Events that Milepost derives from what is known of a contact."""

_FOLLOWS = ("CONSENT#", "MEMBER#")
"""Items that follow from a contact's events, and are removed with them."""


@dataclass(slots=True)
class ImportReverter:
    """Reverts the rows of an import within one invocation."""

    people: "BulkContacts"
    settings: StoreSettings
    reader: RowParser
    pool: Executor

    def step(self, state: Import, batch: Sequence[Numbered]) -> BatchResult:
        """Revert a batch of rows. Idempotent.

        Raises ThrottledError while `react` has not applied the event of a row.
        """
        rows = [r for n, record in batch if isinstance(r := self.reader.read(n, record), Row)]
        wanted = {pair for row in rows for pair in row.identifiers.items()}
        owners = self.people.owners(state.store, wanted) if wanted else {}
        contacts = [
            next((owners[p] for p in _in_order(row) if p in owners), first_id(state.store, row))
            for row in rows
        ]
        done = list(
            self.pool.map(lambda row, contact: self._row(state, row, contact), rows, contacts)
        )
        outcomes = Counter(outcome for outcome, _ in done)
        returned = state.returned
        returned = returned._replace(
            rows=returned.rows + len(rows),
            restored=returned.restored + outcomes["restored"],
            erased=returned.erased + outcomes["erased"],
            left=returned.left + outcomes["left"],
            stay_withdrawn=returned.stay_withdrawn + sum(withdrawn for _, withdrawn in done),
        )
        return BatchResult(state._replace(returned=returned))

    def _row(self, state: Import, row: Row, contact: str) -> tuple[Outcome, bool]:
        life = self.people.life(state.store, contact)
        event = next((e for e in life.events if _is_row(e, state, row)), None)
        if event is None:
            return "left", False  # the row changed nothing, or another row of its contact did
        others = [e for e in life.events if not is_ours(e, state.id)]
        # A contact with many derived items since then cannot be removed in one transaction.
        if event.data["created"] and life.is_short and self._only_imported(life, state, others):
            if not _all_applied(life) or not self.people.forget(life):
                raise ThrottledError("a contact of the import is about to change")
            return "erased", False
        self.people.keep(contact, revert_event(event, others, self.settings))
        self.people.unlink(state.store, contact, unconfirmed_identifiers(event, others))
        return "restored", bool(event.data.get("withdraws"))

    def _only_imported(
        self, life: "ImportedContact", state: Import, others: Sequence[Event]
    ) -> bool:
        """Whether everything known of the contact comes from this import."""
        profile = life.profile
        if any(event.name not in _DERIVED for event in others):
            return False
        if profile and (profile.active_enrollments or profile.entries):
            return False
        if profile and any(consent.method != "import" for consent in profile.consent.values()):
            return False
        ours = f"#{event_id(state.id)}"
        return all(
            key.startswith(_FOLLOWS) and (ours in key or not key.startswith("CONSENT#"))
            for key in life.others
        )


def _is_row(event: Event, state: Import, row: Row) -> bool:
    return (
        event.name == IMPORTED and is_ours(event, state.id) and event.data.get("row") == row.number
    )


def _all_applied(life: "ImportedContact") -> bool:
    """Whether `react` has applied every event of the contact (re-evaluations are not counted)."""
    totals = life.profile.totals if life.profile else {}
    names = [event.name for event in life.events if event.name != REEVALUATED]
    return all(
        name in totals and totals[name].count >= names.count(name) for name in dict.fromkeys(names)
    )


def _in_order(row: Row) -> list[tuple[str, str]]:
    return [
        (kind, row.identifiers[kind]) for kind in IDENTIFIER_PRIORITY if kind in row.identifiers
    ]
