"""The records of a contact, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milepost.api.pages import PageRecord
from milepost.api.records import RecordScope, Suppression, message_record
from milepost.base import times
from milepost.base.addresses import address_hash
from milepost.contacts.event import Event
from milepost.enrollments.enrollment import Enrollment
from milepost.simulator.memory.state import ConsentRecord, ContactsTable, milliseconds


@dataclass(frozen=True, slots=True)
class MemoryContactRecords:
    """Implements `ContactRecords`. Nothing expires here."""

    state: ContactsTable

    def events(self, store: str, contact: str, view: RecordScope) -> Iterator[Event]:
        with self.state.lock:
            held = list(self.state.events.get((store, contact), {}).values())
        since = milliseconds(view.since) if view.since else None
        until = milliseconds(view.until) if view.until else None
        seen = [
            event
            for event in held
            if (not view.name or event.name == view.name)
            and (since is None or since <= event.occurred_at)
            and (until is None or event.occurred_at <= until)
        ]
        return iter(sorted(seen, key=lambda event: event.occurred_at, reverse=True))

    def proofs(self, store: str, contact: str) -> list[PageRecord]:
        with self.state.lock:
            held = {key: p for key, p in self.state.proofs.items() if key[0] == (store, contact)}
        return [
            PageRecord(proof.at, f"{id_} {topic}", _proof(proof))
            for (_, _, id_, topic), proof in held.items()
        ]

    def enrollments(self, store: str, contact: str) -> list[Enrollment]:
        with self.state.lock:
            held = list(self.state.enrollments.values())
        return [e for e in held if (e.ref.store, e.ref.contact) == (store, contact)]

    def messages(self, store: str, contact: str) -> list[PageRecord]:
        with self.state.lock:
            held = {
                ref.id: dict(facts)
                for ref, facts in self.state.messages.items()
                if (ref.store, ref.contact) == (store, contact)
            }
        return [
            PageRecord(times.parse_instant(facts["decided_at"]), id_, message_record(id_, facts))
            for id_, facts in held.items()
        ]

    def suppressions(self, store: str, emails: Sequence[str]) -> dict[str, Suppression]:
        found = {}
        with self.state.lock:
            for email in emails:
                key = (store, address_hash(email))
                if key in self.state.suppressed:
                    at = self.state.suppressed_at.get(key, "")
                    found[email] = Suppression(self.state.suppressed[key], at)
        return found

    def others(self, store: str, contact: str) -> Iterator[dict[str, object]]:
        with self.state.lock:
            waits = [
                (key, wait)
                for key, wait in self.state.waits.items()
                if key[0][:2] == (store, contact)
            ]
        for (_, _, workflow, id_), step in (key for key, _ in waits):
            yield {"kind": "wait", "workflow": workflow, "enrollment": id_, "step": step}


def _proof(proof: ConsentRecord) -> dict[str, object]:
    fact = proof.fact
    return {
        "topic": proof.topic,
        "state": fact.state,
        "at": times.format_instant(proof.at),
        "has_timestamp": fact.at is not None,
        "method": fact.method,
        "source": fact.source,
        "consent_text": fact.consent_text,
        "ip": fact.ip,
        "user_agent": fact.user_agent,
        "event": proof.event.name,
    }
