"""Other people's servers and the shop's own staff, in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

from milepost.outbound.request import Reply, Request, Unreachable


@dataclass(slots=True)
class MemoryOutbound:
    """Implements `Outbound`. `server` says what is answered."""

    server: Callable[[Request], Reply | Unreachable] = lambda _: Reply(200, {})
    calls: list[Request] = field(default_factory=list)

    def call(self, request: Request) -> Reply | Unreachable:
        self.calls.append(request)
        return self.server(request)


@dataclass(frozen=True, slots=True)
class MemoryAlerts:
    """Implements `Alerts`."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, subject: str, text: str, store: str) -> None:
        assert store
        self.told.append((subject, text))
