"""DNS queries through this machine's resolver. Only the command line makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer

from milepost_tools.doctor.ports import CannotAskError

if TYPE_CHECKING:
    from dns.resolver import Resolver


_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DnsRecords:
    """Implements `DnsLookup`. Sorts the records, because servers shuffle them."""

    resolver: "Resolver"

    def texts(self, name: str) -> Sequence[str]:
        answers = self._ask(name, "TXT")
        return sorted(b"".join(each.strings).decode("utf-8", "replace") for each in answers)

    def exchangers(self, name: str) -> Sequence[str]:
        return sorted(each.exchange.to_text() for each in self._ask(name, "MX"))

    def aliases(self, name: str) -> Sequence[str]:
        return [each.target.to_text() for each in self._ask(name, "CNAME")]

    def _ask(self, name: str, kind: str) -> Sequence[Any]:
        try:
            # The final dot keeps the resolver from adding this network's search domains.
            return [*self.resolver.resolve(f"{name}.", kind, lifetime=_SECONDS)]
        except (NXDOMAIN, NoAnswer):
            return []
        except DNSException as error:
            reason = type(error).__name__
            raise CannotAskError(f"DNS does not answer for {name}: {reason}") from error
