"""One delivery on its way to becoming events, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.contacts.event import ContactUpdate, Event, IdentifierKind
from milepost.shops.platform import Delivery, WebhookError
from milepost.shops.shopify import mapping

SOURCE = "shopify"


@dataclass(frozen=True, slots=True)
class ParsedDelivery:
    """One delivery on its way to becoming events."""

    store: str
    topic: str
    payload: Mapping[str, Any]
    received_at: datetime
    delivery: Delivery

    def event(
        self,
        name: str,
        event_id: str,
        occurred_at: datetime,
        *,
        identifiers: Mapping[IdentifierKind, str],
        data: Mapping[str, Any],
        contact: ContactUpdate | None = None,
    ) -> Event:
        return Event(
            store=self.store,
            id=event_id,
            name=name,
            occurred_at=mapping.not_future(occurred_at, self.received_at),
            source=SOURCE,
            identifiers=identifiers,
            data={**data, "test": True} if self.delivery.test else data,
            contact=contact or ContactUpdate(),
        )


def required(field: str, *candidates: datetime | None) -> datetime:
    """The first time that is there; without any, a redelivery could not be told from news."""
    found = next((each for each in candidates if each is not None), None)
    if found is None:
        raise WebhookError(field, "is needed to tell a redelivery from a new event")
    return found
