"""The port of a shop platform: how to verify its webhooks and translate its deliveries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from milepost.contacts.event import Event, IdentifierKind
    from milepost.privacy.request import Kind


class WebhookError(ValueError):
    """A delivery of a known topic with a malformed body. A retry of the same body cannot help.

    `field` is the path (`line_items[1].price`, empty for the whole body), `reason` the problem;
    neither repeats the value.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field or 'the body'}: {reason}")
        self.field = field
        self.reason = reason


class Delivery(NamedTuple):
    """The headers of one delivery. The signature covers only the body, so they are unverified.

    `id` is the same on every retry. `topic` is empty if missing. `triggered_at` is UTC. `test` is
    true for a test notification of the platform's admin.
    """

    topic: str = ""
    id: str | None = None
    signature: str | None = None
    triggered_at: datetime | None = None
    test: bool = False


class Translation(NamedTuple):
    """The events of one delivery, or the code of the reason why it is ignored."""

    events: "tuple[Event, ...]" = ()
    ignored: str | None = None


class ComplianceRequest(NamedTuple):
    """A privacy request of a customer or a shop. Each identifier can belong to another contact.

    `number` is the platform's number of the request, for staff. `shop` is the platform's name of
    the shop, None if it is missing.
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
    """The webhook is `/webhooks/{name}`, and `name` is the source of the events."""
    secret: str
    """The name in `KEYS` of the signing secret; `shop` is the name of the key for the shop."""
    shop: str
    api_doc: WebhookDoc

    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        """Read the headers; a missing or unreadable one is None."""

    def verify(self, body: bytes, delivery: Delivery, secrets: Sequence[str]) -> bool:
        """Whether one of the live secrets signed the raw body. Never raises."""

    def topics(self) -> Collection[str]:
        """The topics that `translate` or `compliance` handles."""

    def compliance(self, delivery: Delivery, payload: Any) -> ComplianceRequest | None:
        """The privacy request of a verified delivery; None for all other topics."""

    def translate(
        self, store: str, delivery: Delivery, payload: Any, received_at: datetime
    ) -> Translation:
        """The events of a verified delivery. Ids and times come from the payload, so a redelivery
        gives equal events. Raises WebhookError, as `compliance` does."""
