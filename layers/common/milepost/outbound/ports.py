"""Whoever is neither a contact nor AWS: other people's servers, the shop's own people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from milepost.outbound.request import Reply, Request, Unreachable


class Outbound(Protocol):
    """Calls other people's servers over HTTPS, and only public ones."""

    def call(self, request: Request) -> Reply | Unreachable:
        """Call once; whatever goes wrong is a value. The server may have acted all the same."""


class Alerts(Protocol):
    """Tells the shop's own people something."""

    def tell(self, subject: str, text: str, store: str) -> None:
        """Raises `Busy`. Whoever listens may have asked for one store's alone."""
