"""A small world in one process: a shop, its marketers, its customers, and the product.

The shop's input goes through the real translators; recipients act through the links and delivery
events of the real mails. Everything in between is the product, see `environment.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from milepost.api import event_body
from milepost.base import times
from milepost.base.addresses import address_hash
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.contacts.timeline import append, date_event
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.program import Program
from milepost.pages.unsubscribe import UnsubscribeEvidence
from milepost.publishing.report import PublishReport
from milepost.sending.counts import StepCounts, Tally, WorkflowCounts, tell_unbalanced
from milepost.sending.message import OutgoingEmail
from milepost.shops.shopify.platform import PLATFORM
from milepost.simulator.interpreter import Execution
from milepost.simulator.memory.contacts import MemoryContacts
from milepost.simulator.memory.published import MemoryPublished
from milepost.simulator.memory.timeline import MemoryTimeline
from milepost.simulator.world import Deployment
from tests.support.asl_rules import problems
from tests.support.builders import ADA, STORE, Content, text
from tests.support.environment import PUBLIC_URL, Environment
from tests.support.events import Sample


def unbalanced(step: str, numbers: StepCounts) -> None:
    raise AssertionError(f"{step} does not add up: {numbers}")


class World(Environment):
    """One store, its contacts and its recipients."""

    # --- actions of marketers ---

    def publish(self, files: Mapping[str, Content]) -> list[PublishReport]:
        """Put files into the bucket; every one must be published."""
        for path, content in files.items():
            self.files.write(STORE, path, text(content))
        reports = self.publisher.publish(STORE, list(files))
        last = {report.file: report for report in reports}
        refused = [report for report in last.values() if report.outcome == "refused"]
        assert not refused, refused
        for definition in self.machines.versions.values():
            assert problems(definition) == []
        return reports

    def remove(self, path: str) -> list[PublishReport]:
        self.files.remove(STORE, path)
        return self.publisher.publish(STORE, [path])

    def deployment(self) -> Deployment:
        """The published state, for the simulator."""
        return Deployment(MemoryPublished(self.shelf), self.machines.versions)

    # --- input of the shop ---

    def event(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        email: str | None = ADA,
        at: datetime | None = None,
        id_: str | None = None,
        **contact: Any,
    ) -> str:
        """Post one event to the API; `contact` is its contact data.

        Returns "accepted" or "duplicate".
        """
        document: dict[str, Any] = {
            "event": name,
            "occurred_at": times.format_instant(at or self.now),
            "contact": {**({"email": email} if email else {}), **contact},
            "properties": dict(data or {}),
        }
        if id_ is not None:
            document["id"] = id_
        event, dated = event_body.translate(STORE, document, self.now)
        return self.append(event if dated else date_event(self.timeline, event, self.now))

    def consent(self, topic: str = "offers", email: str = ADA, state: str = "granted") -> None:
        """The contact answers on the shop's page."""
        answer = {"topic": topic, "state": state, "at": times.format_instant(self.now)}
        self.event("Subscription Changed", email=email, consent=[answer])

    def shopify(self, sample: Sample) -> list[str]:
        """Pass a Shopify delivery to its translator; returns the status of each event."""
        delivery = PLATFORM.delivery(sample.headers)
        translation = PLATFORM.translate(STORE, delivery, sample.body, self.now)
        return [self.append(event) for event in translation.events]

    def append(self, event: Event) -> str:
        (kept,) = append(self.timeline, [event])
        self.pass_on()
        return kept

    # --- actions of recipients and their mail servers ---

    @property
    def mails(self) -> list[OutgoingEmail]:
        """Every mail that may have reached a recipient, in order."""
        return self.mailer.mails

    def steps_mailed(self, email: str = ADA) -> list[str]:
        return [mail.tags["step"] for mail in self.mails if mail.to == email]

    def mailed_at(self, step: str, email: str = ADA) -> datetime:
        """When the only mail of a step was submitted."""
        (at,) = (at for at, m in self.posted if m.tags["step"] == step and m.to == email)
        return at

    def last_mail(self, email: str = ADA) -> OutgoingEmail:
        return [mail for mail in self.mails if mail.to == email][-1]

    def open(self, mail: OutgoingEmail) -> None:
        self.send_ses_event(mail, "Open", {})

    def click(self, mail: OutgoingEmail, link: str = "https://shop.example/cart") -> None:
        self.send_ses_event(mail, "Click", {"link": link})

    def bounce(self, mail: OutgoingEmail, permanent: bool = True) -> None:
        kind = "Permanent" if permanent else "Transient"
        recipients = [{"emailAddress": mail.to}]
        self.send_ses_event(
            mail,
            "Bounce",
            {"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": recipients},
        )

    def complain(self, mail: OutgoingEmail) -> None:
        recipients = [{"emailAddress": mail.to}]
        self.send_ses_event(
            mail,
            "Complaint",
            {"complaintFeedbackType": "abuse", "complainedRecipients": recipients},
        )

    def suppress(self, email: str = ADA) -> None:
        """The address bounces in a mail to another contact or of another shop."""
        contacts = self.kept(MemoryContacts(self.state), "contacts")
        contacts.suppress(STORE, address_hash(email), "hard bounce", self.now)

    def unsubscribe(self, mail: OutgoingEmail) -> None:
        """Press the button that mailbox providers show for `List-Unsubscribe` (RFC 8058)."""
        link = mail.headers["List-Unsubscribe"].strip("<>")
        prefix = f"{PUBLIC_URL}/v1/{STORE}/unsubscribe/"
        assert link.startswith(prefix)
        opened = self.unsubscriber.open(STORE, link.removeprefix(prefix))
        assert opened is not None
        proof = UnsubscribeEvidence("one-click", ip="192.0.2.1", user_agent="mailbox")
        self.unsubscriber.unsubscribe(opened.claim, "topic", proof, self.now)
        self.pass_on()

    # --- results ---

    def contact(self, email: str = ADA) -> str:
        (contact,) = MemoryTimeline(self.state).resolve(STORE, [{"email": email}])
        return contact

    def profile(self, email: str = ADA) -> Profile:
        return self.state.profile(STORE, self.contact(email))

    def enrollments_of(self, email: str = ADA) -> list[Enrollment]:
        """All enrollments of a contact, in order of entry."""
        contact = self.contact(email)
        return [e for e in self.state.enrollments.values() if e.ref.contact == contact]

    def enrollment(self, email: str = ADA) -> Enrollment:
        (only,) = self.enrollments_of(email)
        return only

    def execution(self, enrollment: Enrollment) -> Execution:
        (only,) = (
            e for e in self.step_functions.executions.values() if e.name == enrollment.ref.id
        )
        return only

    def program(self, name: str) -> Program:
        version = self.shelf.head(STORE).workflows[name].version
        return self.shelf.program(STORE, name, version)

    def messages(self, email: str = ADA) -> dict[str, tuple[str, str]]:
        """Status and reason of a contact's messages, by step."""
        contact = self.contact(email)
        return {
            message["step"]: (message["status"], message.get("reason", ""))
            for ref, message in self.state.messages.items()
            if ref.contact == contact
        }

    def numbers(self, workflow: str) -> WorkflowCounts:
        """The counts of a workflow, all of whose decisions must be in the ledger."""
        tally = Tally(detailed=True)
        after = self.counter.count_page(STORE, workflow, "", tally)
        while after:
            after = self.counter.count_page(STORE, workflow, after, tally)
        tell_unbalanced(tally.numbers(), unbalanced)
        return tally.numbers()
