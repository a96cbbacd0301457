"""Stores a new privacy request and queues it for the privacy function."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.contacts.event import IdentifierKind
from milepost.privacy.ports import PrivacyQueue, PrivacyRequestStore
from milepost.privacy.request import Kind, PrivacyRequest

if TYPE_CHECKING:
    from milepost.contacts.ports import Timeline


MAX_CONTACTS = 500
"""A request is one DynamoDB item. No person has more identifiers than this."""


@dataclass(frozen=True, slots=True)
class PrivacyRequestIntake:
    """Accepts requests. A repetition with the same id has no effect."""

    timeline: "Timeline"
    requests: PrivacyRequestStore
    later: PrivacyQueue

    def open_request(
        self,
        kind: Kind,
        store: str,
        contacts: Sequence[str],
        id_: str,
        now: datetime,
        wire_now: datetime,
        origin: str = "api",
    ) -> PrivacyRequest:
        """Store and queue a request, or return the stored request with the same id."""
        request = PrivacyRequest(store, id_, kind, tuple(contacts), now, wire_now, origin)
        stored = self.requests.open(request)
        if stored.status != "done":
            self.later.carry_out(store, id_)
        return stored

    def contacts_of(
        self, store: str, identifiers: Sequence[tuple[IdentifierKind, str]]
    ) -> list[str]:
        """Every contact that an identifier leads to.

        An unknown identifier leads to the contact that it would create, because an event with it
        may be on its way.
        """
        lookups = [{kind: value} for kind, value in identifiers[:MAX_CONTACTS]]
        return list(dict.fromkeys(self.timeline.resolve(store, lookups)))
