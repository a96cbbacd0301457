"""Ask: an export or an erasure is written down, and then carried out by another function."""

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
"""One request is one item; more identifiers than this name no person."""


@dataclass(frozen=True, slots=True)
class PrivacyRequestIntake:
    """Takes requests. Asking again under the same id is asking once."""

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
        """Write a request down and have it carried out; the one that is there under its id."""
        asked = PrivacyRequest(store, id_, kind, tuple(contacts), now, wire_now, origin)
        kept = self.requests.open(asked)
        if kept.status != "done":
            self.later.carry_out(store, id_)
        return kept

    def contacts_of(
        self, store: str, identifiers: Sequence[tuple[IdentifierKind, str]]
    ) -> list[str]:
        """Every contact that one of these leads to. An unknown one leads to what it would make:
        an event of it may be on its way."""
        wanted = [{kind: value} for kind, value in identifiers[:MAX_CONTACTS]]
        return list(dict.fromkeys(self.timeline.resolve(store, wanted)))
