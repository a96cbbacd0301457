"""What these use cases need from the world, beside what `milepost.ports` names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from milepost.contacts.event import IdentifierKind
    from milepost.privacy.request import DeletionBatch, PrivacyRequest


class ContactDeletion(Protocol):
    """What is kept of contacts, removed piece by piece. Every removal counts on its request."""

    def close(self, store: str, contact: str, at: datetime) -> None:
        """From now on, events of this contact up to this instant are no news to anybody."""

    def next_batch(self, store: str, contact: str) -> DeletionBatch | None:
        """The next piece, the profile first; None if nothing is left."""

    def unshared_identifiers(
        self,
        store: str,
        contacts: Sequence[str],
        identifiers: Iterable[tuple[IdentifierKind, str]],
    ) -> list[tuple[IdentifierKind, str]]:
        """Those identifiers that lead to no contact but these."""

    def remove(
        self,
        request: PrivacyRequest,
        piece: DeletionBatch,
        own: Sequence[tuple[IdentifierKind, str]],
    ) -> None:
        """Remove a piece and the identities that lead to one of the request's contacts, and count
        what was there."""

    def store_piece(self, store: str, segment: int) -> DeletionBatch | None:
        """Some of what is kept of any contact of a store, from one of `SEGMENTS` parts."""

    def remove_of_store(self, request: PrivacyRequest, piece: DeletionBatch) -> None: ...


class PrivacyRequestStore(Protocol):
    """Keeps requests, and what is left of them as proof."""

    def open(self, request: PrivacyRequest) -> PrivacyRequest:
        """Keep a new request; the one that is kept under its id, if there is one."""

    def get(self, store: str, id_: str) -> PrivacyRequest | None: ...

    def note_export(self, request: PrivacyRequest, contact: str, until: datetime) -> None:
        """Note on the contact which file holds a copy of it, so that an erasure finds it."""

    def advance(self, request: PrivacyRequest) -> None:
        """Note status, `since` and segment. One that is done keeps no contacts."""

    def count(self, request: PrivacyRequest, items: int) -> None:
        """Note how much an export holds."""


class ExportStorage(Protocol):
    """Keeps exports for some days."""

    def keep(self, store: str, id_: str, texts: Iterable[str]) -> None: ...

    def link(self, store: str, id_: str) -> str:
        """An address from which the export can be fetched for some minutes, by whoever has it."""

    def remove(self, store: str, id_: str) -> None:
        """Take an export away, with all its versions; harmless if it is gone."""

    def empty(self, store: str) -> None:
        """Take all exports and imports of a store away."""


class PrivacyQueue(Protocol):
    """Has a request carried out, by another function."""

    def carry_out(self, store: str, id_: str, delay: timedelta = timedelta(0)) -> None: ...
