"""The timelines of contacts in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from milepost.conditions.context import EventWindow, PastEvent
from milepost.contacts.event import IDENTIFIER_PRIORITY, Event, IdentifierKind, contact_id
from milepost.simulator.memory.state import ContactsTable, milliseconds


@dataclass(frozen=True, slots=True)
class MemoryTimeline:
    """Implements `Timeline`."""

    state: ContactsTable

    def resolve(self, store: str, wanted: Sequence[Mapping[IdentifierKind, str]]) -> list[str]:
        with self.state.lock:
            return [self._owner(store, identifiers) for identifiers in wanted]

    def _owner(self, store: str, identifiers: Mapping[IdentifierKind, str]) -> str:
        kinds = [kind for kind in IDENTIFIER_PRIORITY if kind in identifiers]
        for kind in kinds:
            contact = self.state.identities.get((store, kind, identifiers[kind]))
            if contact:
                return contact
        return contact_id(store, kinds[0], identifiers[kinds[0]])

    def append(self, contact: str, event: Event) -> bool:
        with self.state.lock:
            return self.state.append(
                contact, replace(event, occurred_at=milliseconds(event.occurred_at))
            )

    def first_seen(self, store: str, source: str, event_id: str, now: datetime) -> datetime:
        with self.state.lock:
            return self.state.first_seen.setdefault((store, source, event_id), milliseconds(now))

    def find(
        self, store: str, contact: str, name: str, at: datetime, event_id: str
    ) -> Event | None:
        with self.state.lock:
            stored = self.state.events.get((store, contact), {})
            return stored.get((name, milliseconds(at), event_id))

    def past_events(self, store: str, contact: str, window: EventWindow) -> list[PastEvent]:
        with self.state.lock:
            events = sorted(
                (at, id_, event)
                for (name, at, id_), event in self.state.events.get((store, contact), {}).items()
                if name == window.name
            )
        return [
            PastEvent(at, event.data)
            for at, _, event in events
            if window.since is None or at > window.since
        ]
