"""Exports and erasures in memory: contact data, requests, files and the queue."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from milepost.contacts.event import IdentifierKind
from milepost.privacy.request import DeletionBatch, PrivacyRequest
from milepost.simulator.memory.state import ContactsTable, milliseconds

MAX_PER_TRANSACTION = 25
RETENTION = frozenset({"erased", "requests", "suppressed", "suppressed_at", "timers"})
"""The keys that a removal leaves, and timers, which are removed with their enrollments."""

Handle = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class MemoryContactDeletion:
    """Implements `ContactDeletion`. A key of the state starts with its store, then its contact."""

    state: ContactsTable

    def close(self, store: str, contact: str, at: datetime) -> None:
        with self.state.lock:
            self.state.erased[store, contact] = milliseconds(at)

    def next_batch(self, store: str, contact: str) -> DeletionBatch | None:
        with self.state.lock:
            profile = self.state.profiles.get((store, contact))
            if profile is not None:
                return DeletionBatch(
                    handles=(("profiles", (store, contact)),),
                    running=tuple(
                        (p.ref(store, contact, i), 0) for i, p in profile.active_enrollments.items()
                    ),
                    identifiers=profile.names(),
                )
            return self._piece([h for h in self._handles() if _begins(h, (store, contact))])

    def unshared_identifiers(
        self,
        store: str,
        contacts: Sequence[str],
        identifiers: Iterable[tuple[IdentifierKind, str]],
    ) -> list[tuple[IdentifierKind, str]]:
        with self.state.lock:
            return [
                (kind, value)
                for kind, value in identifiers
                if self.state.identities.get((store, kind, value), contacts[0]) in contacts
            ]

    def remove(
        self,
        request: PrivacyRequest,
        piece: DeletionBatch,
        own: Sequence[tuple[IdentifierKind, str]],
    ) -> None:
        with self.state.lock:
            named = [("identities", (request.store, *name)) for name in own]
            self._remove(request, [*named, *piece.handles])

    def store_piece(self, store: str, segment: int) -> DeletionBatch | None:
        with self.state.lock:
            return (
                None
                if segment
                else self._piece([h for h in self._handles() if _begins(h, (store,))])
            )

    def remove_of_store(self, request: PrivacyRequest, piece: DeletionBatch) -> None:
        with self.state.lock:
            self._remove(request, piece.handles)

    def _handles(self) -> Iterator[Handle]:
        for name in ContactsTable.__dataclass_fields__:
            table = getattr(self.state, name)
            if name == "events":
                yield from ((name, (person, key)) for person, held in table.items() for key in held)
            elif isinstance(table, dict) and name not in RETENTION:
                yield from ((name, key) for key in table)

    def _piece(self, handles: list[Handle]) -> DeletionBatch | None:
        if not handles:
            return None
        taken = handles[:MAX_PER_TRANSACTION]
        events = [self.state.events[key[0]][key[1]] for name, key in taken if name == "events"]
        seen = [("first_seen", (e.store, e.source, e.id)) for e in events]
        named = [(kind, value) for e in events for kind, value in e.identifiers.items()]
        ways = [self.state.enrollments[key] for name, key in taken if name == "enrollments"]
        return DeletionBatch(
            handles=(*taken, *seen),
            running=tuple(
                (each.ref, each.execution_no) for each in ways if each.status == "active"
            ),
            exports=tuple(key[1] for name, key in taken if name == "exports"),
            identifiers=tuple(dict.fromkeys(named)),
        )

    def _remove(self, request: PrivacyRequest, handles: Iterable[Handle]) -> None:
        removed = 0
        for name, key in dict.fromkeys(handles):
            if name == "events":
                found = self.state.events.get(key[0], {}).pop(key[1], None)
                if not self.state.events.get(key[0], True):
                    del self.state.events[key[0]]
            else:
                found = getattr(self.state, name).pop(key, None)
            if name == "enrollments":
                self.state.timers.pop(key, None)
            removed += found is not None
        held = self.state.requests[request.store, request.id]
        self.state.requests[request.store, request.id] = held._replace(items=held.items + removed)


def _begins(handle: Handle, beginning: tuple[str, ...]) -> bool:
    return tuple(_flat(handle[1]))[: len(beginning)] == beginning


def _flat(key: Any) -> Iterator[Any]:
    if isinstance(key, tuple):
        for part in key:
            yield from _flat(part)
    else:
        yield key


@dataclass(frozen=True, slots=True)
class MemoryPrivacyRequests:
    """Implements `PrivacyRequestStore`."""

    state: ContactsTable

    def open(self, request: PrivacyRequest) -> PrivacyRequest:
        with self.state.lock:
            return self.state.requests.setdefault((request.store, request.id), request)

    def get(self, store: str, id_: str) -> PrivacyRequest | None:
        return self.state.requests.get((store, id_))

    def note_export(self, request: PrivacyRequest, contact: str, until: datetime) -> None:
        with self.state.lock:
            self.state.exports[(request.store, contact), request.id] = milliseconds(until)

    def advance(self, request: PrivacyRequest) -> None:
        with self.state.lock:
            held = self.state.requests[request.store, request.id]
            self.state.requests[request.store, request.id] = request._replace(items=held.items)

    def count(self, request: PrivacyRequest, items: int) -> None:
        with self.state.lock:
            held = self.state.requests[request.store, request.id]
            self.state.requests[request.store, request.id] = held._replace(items=items)


@dataclass(frozen=True, slots=True)
class MemoryExportStorage:
    """Implements `ExportStorage`."""

    files: dict[tuple[str, str], str] = field(default_factory=dict)

    def keep(self, store: str, id_: str, texts: Iterable[str]) -> None:
        self.files[store, id_] = "".join(texts)

    def link(self, store: str, id_: str) -> str:
        return f"https://files.example/{store}/{id_}"

    def remove(self, store: str, id_: str) -> None:
        self.files.pop((store, id_), None)

    def empty(self, store: str) -> None:
        for key in [key for key in self.files if key[0] == store]:
            del self.files[key]


@dataclass(frozen=True, slots=True)
class MemoryPrivacyQueue:
    """Implements `PrivacyQueue`. `waiting` holds the requests and their delays."""

    waiting: list[tuple[str, str, timedelta]] = field(default_factory=list)

    def carry_out(self, store: str, id_: str, delay: timedelta = timedelta(0)) -> None:
        self.waiting.append((store, id_, delay))
