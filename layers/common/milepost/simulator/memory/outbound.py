"""Outbound calls and staff alerts in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

from milepost.outbound.request import OutboundRequest, OutboundResponse, RequestFailed


@dataclass(slots=True)
class MemoryOutbound:
    """Implements `Outbound`. `server` returns the response."""

    server: Callable[[OutboundRequest], OutboundResponse | RequestFailed] = lambda _: (
        OutboundResponse(200, {})
    )
    calls: list[OutboundRequest] = field(default_factory=list)

    def call(self, request: OutboundRequest) -> OutboundResponse | RequestFailed:
        self.calls.append(request)
        return self.server(request)


@dataclass(frozen=True, slots=True)
class MemoryAlerts:
    """Implements `Alerts`."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def send_alert(self, subject: str, text: str, store: str) -> None:
        assert store
        self.told.append((subject, text))
