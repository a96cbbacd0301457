"""The ports of export and erasure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from milepost.contacts.event import IdentifierKind
    from milepost.privacy.request import DeletionBatch, PrivacyRequest


class ContactDeletion(Protocol):
    """Deletes what is stored about contacts in batches, and counts deletions on the request."""

    def close(self, store: str, contact: str, at: datetime) -> None:
        """Leave a tombstone: events of this contact dated up to this instant are ignored."""

    def next_batch(self, store: str, contact: str) -> DeletionBatch | None:
        """The next batch, the profile first; None if nothing is left."""

    def unshared_identifiers(
        self,
        store: str,
        contacts: Sequence[str],
        identifiers: Iterable[tuple[IdentifierKind, str]],
    ) -> list[tuple[IdentifierKind, str]]:
        """The identifiers that lead to no other contact than these."""

    def remove(
        self,
        request: PrivacyRequest,
        piece: DeletionBatch,
        own: Sequence[tuple[IdentifierKind, str]],
    ) -> None:
        """Remove and count a batch, and the identities that lead to a contact of the request."""

    def store_piece(self, store: str, segment: int) -> DeletionBatch | None:
        """The next batch of any contacts of a store, from one of `SEGMENTS` table segments."""

    def remove_of_store(self, request: PrivacyRequest, piece: DeletionBatch) -> None: ...


class PrivacyRequestStore(Protocol):
    """Stores privacy requests. A finished request is the proof."""

    def open(self, request: PrivacyRequest) -> PrivacyRequest:
        """Store a new request, or return the stored request with the same id."""

    def get(self, store: str, id_: str) -> PrivacyRequest | None: ...

    def note_export(self, request: PrivacyRequest, contact: str, until: datetime) -> None:
        """Record on the contact which file contains its data, so that an erasure finds the file."""

    def advance(self, request: PrivacyRequest) -> None:
        """Store status, `since` and segment. A finished request keeps no contacts."""

    def count(self, request: PrivacyRequest, items: int) -> None:
        """Store the number of exported items."""


class ExportStorage(Protocol):
    """Stores export files for some days."""

    def keep(self, store: str, id_: str, texts: Iterable[str]) -> None: ...

    def link(self, store: str, id_: str) -> str:
        """A signed URL that downloads the export for some minutes, without other credentials."""

    def remove(self, store: str, id_: str) -> None:
        """Delete an export with all its versions. Does nothing if it is gone."""

    def empty(self, store: str) -> None:
        """Delete all exports and imports of a store."""


class PrivacyQueue(Protocol):
    """Queues a request for the privacy function."""

    def carry_out(self, store: str, id_: str, delay: timedelta = timedelta(0)) -> None: ...
