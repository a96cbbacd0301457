"""Carries out a privacy request, and alerts staff about an export that they must hand over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milepost.base import times
from milepost.privacy.erase import ContactEraser
from milepost.privacy.export import PersonExporter
from milepost.privacy.ports import PrivacyRequestStore
from milepost.privacy.request import EXPORT_KEPT, PrivacyRequest

if TYPE_CHECKING:
    from milepost.outbound.ports import Alerts


@dataclass(frozen=True, slots=True)
class PrivacyRequestWorker:
    """Carries out requests. `alerts` is None if the stack has no alarm topic."""

    requests: PrivacyRequestStore
    eraser: ContactEraser
    exporter: PersonExporter
    alerts: "Alerts | None"

    def carry_out(
        self, store: str, id_: str, out_of_time: Callable[[], bool]
    ) -> PrivacyRequest | None:
        """Continue a request and return its new state; None if it does not exist. Idempotent."""
        request = self.requests.get(store, id_)
        if request is None or request.status == "done":
            return request
        if request.kind != "export":
            return self.eraser.carry_out(request, out_of_time)
        done = self.exporter.carry_out(request)
        if done.origin != "api" and self.alerts is not None:
            self.alerts.send_alert(f"{store}: a customer's data is ready", _alert_text(done), store)
        return done


def _alert_text(done: PrivacyRequest) -> str:
    """The alert does not name the customer. The shop system's own notice does."""
    until = times.format_instant(done.asked_at + EXPORT_KEPT)
    return (
        f"A customer of {done.store} asked for their data ({done.origin}).\n"
        f"The file is {done.store}/exports/{done.id}.json in the stack's bucket, until about "
        f"{until}; GET /v1/{done.store}/privacy/{done.id} links to it.\n"
        "Hand it to the customer within the time that the law sets, a month in the EU.\n"
    )
