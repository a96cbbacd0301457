"""One delivery on its way to becoming events, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from milepost.contacts.event import ContactUpdate, Event, IdentifierKind
from milepost.shops.shopify import mapping
from milepost.shops.shopify.fields import ShopifyPayloadError
from milepost.shops.shopify.headers import Delivery

SOURCE = "shopify"


class Translation(NamedTuple):
    """The events of one delivery, or the reason code why it has none. Either way it is a 200.

    Codes: unknown_topic, unknown_status, sms_consent, no_consent, no_contact, checkout_completed.
    """

    events: tuple[Event, ...] = ()
    ignored: str | None = None


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
        raise ShopifyPayloadError(field, "is needed to tell a redelivery from a new event")
    return found
