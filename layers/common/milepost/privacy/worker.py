"""Privacy: one request is carried out, and the shop's people hear of what concerns them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milepost.base import instants
from milepost.privacy.erase import ContactEraser
from milepost.privacy.export import PersonExporter
from milepost.privacy.ports import PrivacyRequestStore
from milepost.privacy.request import EXPORT_KEPT, PrivacyRequest

if TYPE_CHECKING:
    from milepost.outbound.ports import Alerts


@dataclass(frozen=True, slots=True)
class PrivacyRequestWorker:
    """Carries requests out. `alerts` is None where nobody listens."""

    requests: PrivacyRequestStore
    eraser: ContactEraser
    exporter: PersonExporter
    alerts: "Alerts | None"

    def carry_out(self, store: str, id_: str, tired: Callable[[], bool]) -> PrivacyRequest | None:
        """Go on with a request; what it is then, None if there is none. May be called again."""
        request = self.requests.get(store, id_)
        if request is None or request.status == "done":
            return request
        if request.kind != "export":
            return self.eraser.carry_out(request, tired)
        done = self.exporter.carry_out(request)
        if done.origin != "api" and self.alerts is not None:
            self.alerts.send_alert(f"{store}: a customer's data is ready", _told(done), store)
        return done


def _told(done: PrivacyRequest) -> str:
    """No word about whose data it is: that stands in the shop system's own notice."""
    until = instants.format_instant(done.asked_at + EXPORT_KEPT)
    return (
        f"A customer of {done.store} asked for their data ({done.origin}).\n"
        f"The file is {done.store}/exports/{done.id}.json in the stack's bucket, until about "
        f"{until}; GET /v1/{done.store}/privacy/{done.id} links to it.\n"
        "Hand it to the customer within the time that the law sets, a month in the EU.\n"
    )
