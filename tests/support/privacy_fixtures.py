"""A world whose contacts can request exports and erasures."""

from functools import partial
from typing import Any

from milepost.base.errors import ThrottledError
from milepost.privacy.erase import ContactEraser
from milepost.privacy.export import PersonExporter
from milepost.privacy.request import Kind, PrivacyRequest, request_id
from milepost.privacy.request_queue import PrivacyRequestIntake
from milepost.privacy.worker import PrivacyRequestWorker
from milepost.simulator.memory.outbound import MemoryAlerts
from tests.fakes.contact_records import MemoryContactRecords
from tests.fakes.privacy import (
    MemoryContactDeletion,
    MemoryExportStorage,
    MemoryPrivacyQueue,
    MemoryPrivacyRequests,
)
from tests.support.builders import ADA, STORE
from tests.support.faults import Killed
from tests.support.world import World


class PrivateWorld(World):
    """The queue delivers a request again, a minute later, if the function ran out of time."""

    def _wire(self) -> None:
        super()._wire()
        around = self.faults.around
        self.vault, self.waiting, self.staff = (
            MemoryExportStorage(),
            MemoryPrivacyQueue(),
            MemoryAlerts(),
        )
        requests = around(MemoryPrivacyRequests(self.state), "requests")
        deletion = around(MemoryContactDeletion(self.state), "remains")
        later, vault = around(self.waiting, "later"), around(self.vault, "vault")
        contacts, records = self.contacts, MemoryContactRecords(self.state)
        self.intake = PrivacyRequestIntake(
            self.timeline, MemoryPrivacyRequests(self.state), self.waiting
        )
        eraser = ContactEraser(
            contacts,
            self.engine,
            deletion,
            requests,
            vault,
            later,
            lambda: self.now,
            lambda: self.now,
        )
        exporter = PersonExporter(contacts, records, deletion, requests, vault, lambda: self.now)
        self.request_worker = PrivacyRequestWorker(
            requests, eraser, exporter, around(self.staff, "staff")
        )
        self.checks_before_timeout = 10_000

    def ask(self, kind: Kind = "erase", *emails: str, origin: str = "api") -> PrivacyRequest:
        """A contact makes a request; it is handled as time goes on."""
        contacts = self.intake.contacts_of(STORE, [("email", email) for email in emails or (ADA,)])
        id_ = request_id(kind, str(len(self.state.requests)))
        request = self.intake.open_request(kind, STORE, contacts, id_, self.now, self.now, origin)
        self.pass_on()
        return request

    def request(self, request: PrivacyRequest) -> PrivacyRequest:
        return self.state.requests[request.store, request.id]

    def pass_on(self) -> None:
        super().pass_on()
        waiting = getattr(self, "waiting", None)
        while waiting and waiting.waiting:
            store, id_, delay = waiting.waiting.pop(0)
            self.clock.after(delay, partial(self._carry_out, store, id_))

    def _carry_out(self, store: str, id_: str) -> None:
        budget = self.checks_before_timeout

        def out_of_time() -> bool:
            nonlocal budget
            budget -= 1
            return budget < 0

        try:
            with self.faults.within("privacy", lambda: self._carry_out(store, id_)):
                self.request_worker.carry_out(store, id_, out_of_time)
        except (ThrottledError, Killed):
            self.later(lambda: self._carry_out(store, id_), minutes=1)

    def traces(self, *words: str) -> list[str]:
        """Where the tables and files still contain one of these texts; the stream expires on its
        own."""
        kept: dict[str, Any] = {
            name: getattr(self.state, name)
            for name in type(self.state).__dataclass_fields__
            if name not in ("stream", "lock")
        }
        kept["vault"] = self.vault.files
        kept["told"] = self.staff.told
        return [name for name, held in kept.items() if any(word in repr(held) for word in words)]
