"""The ports for outbound HTTPS calls and staff alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from milepost.outbound.request import OutboundRequest, OutboundResponse, RequestFailed


class Outbound(Protocol):
    """Calls servers of third parties over HTTPS, at public addresses only."""

    def call(self, request: OutboundRequest) -> OutboundResponse | RequestFailed:
        """Call once and return errors as values. The server may have acted despite an error."""


class Alerts(Protocol):
    """Sends alerts to a store's staff."""

    def send_alert(self, subject: str, text: str, store: str) -> None:
        """Send an alert. Raises `ThrottledError`. Subscribers can filter by `store`."""
