"""Whoever is neither a contact nor AWS: other people's servers, the shop's own people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from milepost.outbound.request import OutboundRequest, OutboundResponse, RequestFailed


class Outbound(Protocol):
    """Calls other people's servers over HTTPS, and only public ones."""

    def call(self, request: OutboundRequest) -> OutboundResponse | RequestFailed:
        """Call once; whatever goes wrong is a value. The server may have acted all the same."""


class Alerts(Protocol):
    """Tells the shop's own people something."""

    def send_alert(self, subject: str, text: str, store: str) -> None:
        """Raises `Busy`. Whoever listens may have asked for one store's alone."""
