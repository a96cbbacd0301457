"""The ports of imports and exports, in memory."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from milepost.base import times
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.simulator.memory.state import ContactsTable, milliseconds
from milepost.transfer.exports.lines import consent_line, contact_line, event_line
from milepost.transfer.exports.ports import Page
from milepost.transfer.exports.progress import Export, Kind
from milepost.transfer.imports.ports import ImportedContact
from milepost.transfer.imports.progress import Import
from milepost.transfer.ports import FileGoneError, FileVersion

if TYPE_CHECKING:
    from milepost.transfer.imports.ports import Identifier


@dataclass(slots=True)
class MemoryUploads:
    """Implements `Uploads` and `ExportFiles`. `versions` maps a store and a path to its
    versions."""

    versions: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    settled: list[str] = field(default_factory=list)
    piece: int = 64 * 1024

    def upload(self, store: str, path: str, content: bytes | str) -> str:
        """Put a file, as a shop does; returns its version."""
        body = content.encode() if isinstance(content, str) else content
        held = self.versions.setdefault((store, path), {})
        version = f"v{len(held) + 1}"
        held[version] = body
        return version

    def find(self, store: str, path: str) -> FileVersion | None:
        held = self.versions.get((store, path))
        if not held:
            return None
        version, body = list(held.items())[-1]
        return FileVersion(path, version, len(body))

    def read(self, store: str, upload: FileVersion, start: int = 0) -> Iterator[bytes]:
        body = self.versions.get((store, upload.path), {}).get(upload.version)
        if body is None:
            raise FileGoneError(upload.path)
        for at in range(start, len(body), self.piece):
            yield body[at : at + self.piece]

    def settle(self, store: str, upload: FileVersion) -> None:
        self.settled.append(f"{store}/{upload.path}@{upload.version}")

    def put(self, store: str, path: str, lines: Iterable[str]) -> None:
        self.versions[store, path] = {"v1": "".join(f"{line}\n" for line in lines).encode()}


@dataclass(frozen=True, slots=True)
class MemoryBulkContacts:
    """Implements `BulkContacts`."""

    state: ContactsTable

    def owners(self, store: str, identifiers: Collection["Identifier"]) -> dict["Identifier", str]:
        with self.state.lock:
            return {
                (kind, value): self.state.identities[store, kind, value]
                for kind, value in identifiers
                if (store, kind, value) in self.state.identities
            }

    def profiles(self, store: str, contacts: Collection[str]) -> dict[str, Profile]:
        with self.state.lock:
            return {
                contact: self.state.profiles[store, contact]
                for contact in contacts
                if (store, contact) in self.state.profiles
            }

    def keep(self, contact: str, event: Event) -> Event | None:
        event = replace(event, occurred_at=milliseconds(event.occurred_at))
        with self.state.lock:
            held = self.state.events.get((event.store, contact), {})
            known = held.get((event.name, event.occurred_at, event.id))
            if known is None:
                self.state.append(contact, event)
            return known

    def link(self, store: str, contact: str, identifiers: Iterable["Identifier"]) -> None:
        with self.state.lock:
            for kind, value in identifiers:
                self.state.identities.setdefault((store, kind, value), contact)

    def unlink(self, store: str, contact: str, identifiers: Iterable["Identifier"]) -> None:
        with self.state.lock:
            for kind, value in identifiers:
                if self.state.identities.get((store, kind, value)) == contact:
                    del self.state.identities[store, kind, value]

    def life(self, store: str, contact: str) -> ImportedContact:
        person = (store, contact)
        with self.state.lock:
            others = [
                f"CONSENT#{proof.at:%Y}#{proof.event.id}#{topic}"
                for (owner, _, _, topic), proof in self.state.proofs.items()
                if owner == person
            ]
            others += [
                f"ENROLLMENT#{k[2]}#{k[3]}" for k in self.state.enrollments if k[:2] == person
            ]
            others += [f"MESSAGE#{r.id}" for r in self.state.messages if r[:2] == person]
            events = tuple(self.state.events.get(person, {}).values())
            return ImportedContact(
                store, contact, self.state.profiles.get(person), events, tuple(others)
            )

    def forget(self, life: ImportedContact) -> bool:
        person = (life.store, life.contact)
        with self.state.lock:
            if self.state.profiles.get(person) != life.profile or life.profile is None:
                return False
            for event in life.events:
                del self.state.events[person][event.name, event.occurred_at, event.id]
            for key in [key for key in self.state.proofs if key[0] == person]:
                del self.state.proofs[key]
            for kind, values in life.profile.known_identifiers.items():
                for value in values:
                    if self.state.identities.get((life.store, kind, value)) == life.contact:
                        del self.state.identities[life.store, kind, value]
            self.state.profiles[person] = Profile(*person, last_sequence=life.profile.last_sequence)
        return True


@dataclass(slots=True)
class MemoryImports:
    """Implements `Imports`."""

    held: dict[tuple[str, str], Import] = field(default_factory=dict)

    def begin(self, new: Import) -> Import:
        return self.held.setdefault((new.store, new.id), new)

    def load(self, store: str, import_id: str) -> Import | None:
        return self.held.get((store, import_id))

    def save(self, before: Import, after: Import) -> bool:
        if self.held[before.store, before.id].call_no != before.call_no:
            return False
        self.held[before.store, before.id] = after
        return True


@dataclass(slots=True)
class MemoryExports:
    """Implements `Exports`."""

    held: dict[tuple[str, str], Export] = field(default_factory=dict)

    def begin(self, new: Export) -> Export:
        return self.held.setdefault((new.store, new.id), new)

    def load(self, store: str, export_id: str) -> Export | None:
        return self.held.get((store, export_id))

    def save(self, before: Export, after: Export) -> bool:
        if self.held[before.store, before.id].call_no != before.call_no:
            return False
        self.held[before.store, before.id] = after
        return True


@dataclass(frozen=True, slots=True)
class MemoryStoreScan:
    """Implements `StoreScan`, `size` contacts a page. It lacks what only AWS stores."""

    state: ContactsTable
    size: int = 10

    def page(self, store: str, after: str) -> Page:
        with self.state.lock:
            every = sorted(self.state.profiles.keys() | self.state.events.keys())
            people = [contact for owner, contact in every if owner == store and contact > after]
            now = people[: self.size]
            lines = [line for contact in now for line in self._of(store, contact)]
            last = len(people) <= self.size
            if last:
                lines += self._beside(store)
        return Page(lines, len(lines), "" if last else now[-1])

    def _of(self, store: str, contact: str) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
        profile = self.state.profiles.get((store, contact))
        line = contact_line(profile) if profile else None
        if line:
            yield "contacts", line
        for key, event in self.state.events.get((store, contact), {}).items():
            came_from = self.state.copied.get(((store, contact), key), "")
            yield "events", event_line(contact, event, came_from)
        for (owner, at, _, topic), proof in self.state.proofs.items():
            if owner == (store, contact):
                fact = proof.fact
                said = {
                    "topic": topic,
                    "state": fact.state,
                    "at": times.format_instant(at),
                    "has_timestamp": fact.at is not None,
                    "method": fact.method,
                    "source": fact.source,
                    "consent_text": fact.consent_text,
                    "ip": fact.ip,
                    "user_agent": fact.user_agent,
                    "event": proof.event.name,
                }
                known = {name: value for name, value in said.items() if value is not None}
                yield "consents", consent_line(contact, known)

    def _beside(self, store: str) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
        for (owner, kind, value), contact in self.state.identities.items():
            if owner == store:
                yield "identities", {"identity": f"{kind}#{value}", "contact": contact}
        for (owner, address_hash), reason in self.state.suppressed.items():
            if owner == store:
                yield "suppressions", {"address_sha256": address_hash, "reason": reason}


@dataclass(slots=True)
class MemoryContinuationQueue:
    """Implements `ContinuationQueue`: `waiting` holds the messages and their delays."""

    waiting: list[tuple[Mapping[str, Any], int]] = field(default_factory=list)

    def again(self, message: Mapping[str, Any], delay: int = 0) -> None:
        self.waiting.append((message, delay))
