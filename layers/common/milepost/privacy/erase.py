"""Erase: everything that is kept of a contact goes, provably, whenever the function is cut off.

What is removed counts on the request in the same transaction, so the proof says exactly how much
there was. A contact is closed first: an event that is still on its way to `react` would bring the
profile back. The address is suppressed before the profile is gone, for nobody knows it after.

There are two passes. A function that read the contact before the first one may write once more,
and what it wrote goes with the second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.contacts.event import IdentifierKind, contact_id
from milepost.contacts.profile import PERMANENT_IDENTIFIERS
from milepost.contacts.suppression import ERASED, address_hash
from milepost.privacy.ports import ContactDeletion, ExportStorage, PrivacyQueue, PrivacyRequestStore
from milepost.privacy.request import GRACE_PERIOD, SEGMENTS, PrivacyRequest

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts
    from milepost.enrollments.ports import ExecutionEngine


Name = tuple[IdentifierKind, str]


@dataclass(frozen=True, slots=True)
class ContactEraser:
    """Carries erasures out. `now` is the time of the business, `wire_now` that of queues.

    `tired` says that the function's time is almost over: the rest is left to the next call.
    """

    contacts: "Contacts"
    engine: "ExecutionEngine"
    remains: ContactDeletion
    requests: PrivacyRequestStore
    vault: ExportStorage
    later: PrivacyQueue
    now: Callable[[], datetime]
    wire_now: Callable[[], datetime]

    def carry_out(self, request: PrivacyRequest, tired: Callable[[], bool]) -> PrivacyRequest:
        """Go on with a request; what it is then. Raises `Busy`; the same call later goes on."""
        if request.status == "sweeping":
            early = GRACE_PERIOD - (self.wire_now() - request.since)
            if early.total_seconds() > 0:
                self.later.carry_out(request.store, request.id, early)
                return request
        whole = self._store if request.kind == "erase_store" else self._contacts
        request, finished = whole(request, tired)
        if not finished:
            self.later.carry_out(request.store, request.id)
            return request
        if request.status == "accepted":
            swept = request._replace(status="sweeping", since=self.wire_now(), segment=0)
            self.requests.advance(swept)
            self.later.carry_out(request.store, request.id, GRACE_PERIOD)
            return swept
        done = request._replace(
            status="done", since=self.wire_now(), done_at=self.now(), contacts=()
        )
        self.requests.advance(done)
        return done

    def _contacts(
        self, request: PrivacyRequest, tired: Callable[[], bool]
    ) -> tuple[PrivacyRequest, bool]:
        """The contacts that were asked for, and those that turn out to be the same person."""
        number = 0
        while number < len(request.contacts):
            request, finished = self._contact(request, request.contacts[number], tired)
            if not finished:
                return request, False
            number += 1
        return request, True

    def _contact(
        self, request: PrivacyRequest, contact: str, tired: Callable[[], bool]
    ) -> tuple[PrivacyRequest, bool]:
        store, at = request.store, self.now()
        seen: set[Name] = set()
        self.remains.close(store, contact, at)
        while (piece := self.remains.next_batch(store, contact)) is not None:
            if tired():
                return request, False
            for ref, leg in piece.running:
                self.engine.stop(ref, ERASED, leg)
            for export in piece.exports:
                self.vault.remove(store, export)
            own = self.remains.unshared_identifiers(store, request.contacts, piece.identifiers)
            for name in own:
                if name not in seen:
                    request = self._forget_name(request, name, at)
                    seen.add(name)
            self.remains.remove(request, piece, own)
        return request, True

    def _forget_name(self, request: PrivacyRequest, name: Name, at: datetime) -> PrivacyRequest:
        """Suppress an address, and look under the id that this name gives a contact.

        Something lies there if that contact was merged into this one. Old news that comes under the
        name later would go there too, and must not make a new contact.
        """
        store, (kind, value) = request.store, name
        namesake = contact_id(store, kind, value)
        if kind == "email":
            self.contacts.suppress(store, address_hash(value), ERASED, at)
        if kind in PERMANENT_IDENTIFIERS:
            self.remains.close(store, namesake, at)
        if namesake in request.contacts or self.remains.next_batch(store, namesake) is None:
            return request
        wider = request._replace(contacts=(*request.contacts, namesake))
        self.requests.advance(wider)
        return wider

    def _store(
        self, request: PrivacyRequest, tired: Callable[[], bool]
    ) -> tuple[PrivacyRequest, bool]:
        """All contacts of a store, table segment by table segment."""
        self.vault.empty(request.store)
        for segment in range(request.segment, SEGMENTS):
            while (piece := self.remains.store_piece(request.store, segment)) is not None:
                if tired():
                    return request, False
                for ref, leg in piece.running:
                    self.engine.stop(ref, ERASED, leg)
                self.remains.remove_of_store(request, piece)
            request = request._replace(segment=segment + 1)
            self.requests.advance(request)
        return request, True
