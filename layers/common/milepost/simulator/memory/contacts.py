"""Contacts in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from milepost.base import times
from milepost.base.addresses import ERASED
from milepost.contacts.event import ConsentEvidence, Event, IdentifierKind, claimable_identifiers
from milepost.contacts.profile import Profile, withdrawal
from milepost.simulator.memory.state import ConsentRecord, ContactsTable, milliseconds


@dataclass(frozen=True, slots=True)
class MemoryContacts:
    """Implements `Contacts`."""

    state: ContactsTable

    def profile(self, store: str, contact: str) -> Profile | None:
        with self.state.lock:
            return self.state.owner(store, contact)

    def get_even_if_merged(self, store: str, contact: str) -> Profile | None:
        return self.state.profiles.get((store, contact))

    def apply(self, before: Profile | None, after: Profile) -> bool:
        """Other writers change consent and active enrollments, so only the differences apply."""
        old = before or Profile(after.store, after.contact)
        answers = {t: c for t, c in after.consent.items() if old.consent.get(t) != c}
        entered = {
            id_: p
            for id_, p in after.active_enrollments.items()
            if id_ not in old.active_enrollments
        }
        with self.state.lock:
            stored = self.state.profile(after.store, after.contact)
            known = (stored.last_sequence, stored.moved_events, stored.merged_into)
            if known != (old.last_sequence, old.moved_events, "") or any(
                stored.consent.get(topic) != old.consent.get(topic) for topic in answers
            ):
                return False
            stayed = {
                id_: p
                for id_, p in stored.active_enrollments.items()
                if id_ not in old.active_enrollments or id_ in after.active_enrollments
            }
            self.state.profiles[after.store, after.contact] = replace(
                after,
                consent={**stored.consent, **answers},
                active_enrollments={**stayed, **entered},
                recent_sends=stored.recent_sends,
            )
        return True

    def claim_identifiers(self, contact: str, event: Event) -> dict[IdentifierKind, str]:
        with self.state.lock:
            found = {
                kind: self.state.identities.setdefault((event.store, kind, value), contact)
                for kind, value in claimable_identifiers(event).items()
            }
        return {kind: other for kind, other in found.items() if other != contact}

    def repoint_identity(
        self, store: str, kind: IdentifierKind, value: str, old: str, new: str
    ) -> None:
        with self.state.lock:
            if self.state.identities.get((store, kind, value)) == old:
                self.state.identities[store, kind, value] = new

    def record_consent(self, contact: str, event: Event, topics: Sequence[str]) -> None:
        with self.state.lock:
            for fact in event.contact.consents:
                for topic in (fact.topic,) if fact.topic else topics:
                    self._prove(contact, event, fact, topic)

    def withdraw(self, contact: str, event: Event) -> None:
        event = replace(event, occurred_at=milliseconds(event.occurred_at))
        with self.state.lock:
            stored = self.state.owner(event.store, contact) or Profile(event.store, contact)
            contact = stored.contact
            answers = {
                fact.topic or "": answer._replace(at=milliseconds(answer.at))
                for fact in event.contact.consents
                for answer in (withdrawal(fact, event.occurred_at),)
            }
            answered = replace(stored, consent={**stored.consent, **answers})
            self.state.profiles[event.store, contact] = answered
            for fact in event.contact.consents:
                self._prove(contact, event, fact, fact.topic or "")
            self.state.append(contact, event)

    def suppress(self, store: str, address_hash: str, reason: str, at: datetime) -> None:
        with self.state.lock:
            stored = self.state.suppressed.get((store, address_hash))
            if stored is None or (stored == ERASED and reason != ERASED):
                self.state.suppressed[store, address_hash] = reason
                self.state.suppressed_at[store, address_hash] = times.format_instant(at)

    def lift_erasure_suppression(self, store: str, address_hash: str) -> None:
        with self.state.lock:
            if self.state.suppressed.get((store, address_hash)) == ERASED:
                del self.state.suppressed[store, address_hash]

    def erased(self, store: str, contact: str) -> datetime | None:
        return self.state.erased.get((store, contact))

    def delete_event(self, contact: str, event: Event) -> None:
        key = (event.name, milliseconds(event.occurred_at), event.id)
        with self.state.lock:
            stored = self.state.events.get((event.store, contact), {})
            stored.pop(key, None)
            if not stored:
                self.state.events.pop((event.store, contact), None)

    def _prove(self, contact: str, event: Event, fact: ConsentEvidence, topic: str) -> None:
        at = milliseconds(fact.at or event.occurred_at)
        self.state.proofs.setdefault(
            ((event.store, contact), at, event.id, topic),
            ConsentRecord(contact, topic, at, event, fact),
        )
