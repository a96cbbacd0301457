"""What a shop platform is to Milepost: who may call its webhook, and what its deliveries mean."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from milepost.contacts.event import Event, IdentifierKind
    from milepost.privacy.request import Kind


class WebhookError(ValueError):
    """A delivery of a known topic whose body is not what that topic promises.

    `field` is the place (`line_items[1].price`, empty for the whole body), `reason` what is wrong
    with it; neither repeats the value. Sending the same body again cannot help.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field or 'the body'}: {reason}")
        self.field = field
        self.reason = reason


class Delivery(NamedTuple):
    """The headers of one delivery. A signature covers the body only, so all of this is hearsay.

    `id` is the same on every retry. `topic` is empty if there was none. `triggered_at` is UTC.
    `test` is true for a test notification of the platform's admin.
    """

    topic: str = ""
    id: str | None = None
    signature: str | None = None
    triggered_at: datetime | None = None
    test: bool = False


class Translation(NamedTuple):
    """The events of one delivery, or the code of the reason why it has none."""

    events: "tuple[Event, ...]" = ()
    ignored: str | None = None


class ComplianceRequest(NamedTuple):
    """What a customer or a shop demands: every identifier may lead to a contact of its own.

    `number` is the platform's own, by which staff find the request there. `shop` is the platform's
    name for the shop, None if it told none.
    """

    kind: "Kind"
    identifiers: "tuple[tuple[IdentifierKind, str], ...]"
    shop: str | None
    number: str | None


class WebhookDoc(NamedTuple):
    """The signature of a platform's webhooks, for the OpenAPI document."""

    header: str
    description: str


class Platform(Protocol):
    """A shop platform. Its functions are pure: no network, no environment, no clock."""

    name: str
    """Its webhook is `/webhooks/{name}`, and `name` is the source of its events."""
    secret: str
    """The key that it signs with, and `shop` the key that tells its shops apart: names in `KEYS`.
    """
    shop: str
    api_doc: WebhookDoc

    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        """Read the headers; what is missing or unreadable is None."""

    def verify(self, body: bytes, delivery: Delivery, secrets: Sequence[str]) -> bool:
        """Whether the body, as it came, was signed with one of the live secrets. Never raises."""

    def topics(self) -> Collection[str]:
        """The topics of which `translate` or `compliance` makes anything."""

    def compliance(self, delivery: Delivery, payload: Any) -> ComplianceRequest | None:
        """What a verified delivery demands; None for topics that are no demands."""

    def translate(
        self, store: str, delivery: Delivery, payload: Any, received_at: datetime
    ) -> Translation:
        """The events of a verified delivery. Ids and times come from the payload, so that a
        redelivery gives equal events. Raises WebhookError, as `compliance` does."""
