"""Erases everything that is stored about a contact, even if the function is killed in between.

Every deletion is counted on the request in the same transaction, so the proof states the exact
number of items. The contact is closed first, because an event that is still on its way to `react`
would create the profile again. The address is suppressed before the profile is deleted, because
afterwards it is unknown.

An erasure makes two passes. A function that read the contact before the first pass can still write
once more. The second pass deletes what it wrote.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base.addresses import ERASED, address_hash
from milepost.contacts.event import IdentifierKind, contact_id
from milepost.contacts.profile import PERMANENT_IDENTIFIERS
from milepost.privacy.ports import ContactDeletion, ExportStorage, PrivacyQueue, PrivacyRequestStore
from milepost.privacy.request import GRACE_PERIOD, SEGMENTS, PrivacyRequest

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts
    from milepost.enrollments.ports import ExecutionEngine


Name = tuple[IdentifierKind, str]


@dataclass(frozen=True, slots=True)
class ContactEraser:
    """Carries out erasures. `now` is business time, `wire_now` is the real time that queues use.

    `out_of_time` returns true when the function must stop; the next call continues.
    """

    contacts: "Contacts"
    engine: "ExecutionEngine"
    remains: ContactDeletion
    requests: PrivacyRequestStore
    vault: ExportStorage
    later: PrivacyQueue
    now: Callable[[], datetime]
    wire_now: Callable[[], datetime]

    def carry_out(self, request: PrivacyRequest, out_of_time: Callable[[], bool]) -> PrivacyRequest:
        """Continue a request and return its new state.

        Raises ThrottledError; the same call continues later.
        """
        if request.status == "sweeping":
            remaining = GRACE_PERIOD - (self.wire_now() - request.since)
            if remaining.total_seconds() > 0:
                self.later.carry_out(request.store, request.id, remaining)
                return request
        erase = self._store if request.kind == "erase_store" else self._contacts
        request, finished = erase(request, out_of_time)
        if not finished:
            self.later.carry_out(request.store, request.id)
            return request
        if request.status == "accepted":
            sweeping = request._replace(status="sweeping", since=self.wire_now(), segment=0)
            self.requests.advance(sweeping)
            self.later.carry_out(request.store, request.id, GRACE_PERIOD)
            return sweeping
        done = request._replace(
            status="done", since=self.wire_now(), done_at=self.now(), contacts=()
        )
        self.requests.advance(done)
        return done

    def _contacts(
        self, request: PrivacyRequest, out_of_time: Callable[[], bool]
    ) -> tuple[PrivacyRequest, bool]:
        """Erase the requested contacts, and contacts that turn out to be the same person."""
        number = 0
        while number < len(request.contacts):
            request, finished = self._contact(request, request.contacts[number], out_of_time)
            if not finished:
                return request, False
            number += 1
        return request, True

    def _contact(
        self, request: PrivacyRequest, contact: str, out_of_time: Callable[[], bool]
    ) -> tuple[PrivacyRequest, bool]:
        store, at = request.store, self.now()
        seen: set[Name] = set()
        self.remains.close(store, contact, at)
        while (batch := self.remains.next_batch(store, contact)) is not None:
            if out_of_time():
                return request, False
            for ref, execution_no in batch.running:
                self.engine.stop(ref, ERASED, execution_no)
            for export in batch.exports:
                self.vault.remove(store, export)
            unshared = self.remains.unshared_identifiers(store, request.contacts, batch.identifiers)
            for name in unshared:
                if name not in seen:
                    request = self._erase_identifier(request, name, at)
                    seen.add(name)
            self.remains.remove(request, batch, unshared)
        return request, True

    def _erase_identifier(
        self, request: PrivacyRequest, name: Name, at: datetime
    ) -> PrivacyRequest:
        """Suppress an address, and include the contact whose id derives from this identifier.

        That contact has data if it was merged into this one. A late event with the identifier would
        go to it too, and must not create a new contact.
        """
        store, (kind, value) = request.store, name
        derived = contact_id(store, kind, value)
        if kind == "email":
            self.contacts.suppress(store, address_hash(value), ERASED, at)
        if kind in PERMANENT_IDENTIFIERS:
            self.remains.close(store, derived, at)
        if derived in request.contacts or self.remains.next_batch(store, derived) is None:
            return request
        extended = request._replace(contacts=(*request.contacts, derived))
        self.requests.advance(extended)
        return extended

    def _store(
        self, request: PrivacyRequest, out_of_time: Callable[[], bool]
    ) -> tuple[PrivacyRequest, bool]:
        """Erase all contacts of a store, one table segment after the other."""
        self.vault.empty(request.store)
        for segment in range(request.segment, SEGMENTS):
            while (batch := self.remains.store_piece(request.store, segment)) is not None:
                if out_of_time():
                    return request, False
                for ref, execution_no in batch.running:
                    self.engine.stop(ref, ERASED, execution_no)
                self.remains.remove_of_store(request, batch)
            request = request._replace(segment=segment + 1)
            self.requests.advance(request)
        return request, True
