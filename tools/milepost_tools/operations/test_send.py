"""Test e-mails: one e-mail to one of your own addresses, outside of every workflow.

Only this path passes neither the gate nor the ledger, so it is narrow: one address at a time, and
only an identity of the SES account. Nothing is stored, and the e-mail carries no message id, so
delivery events about it change no count and no contact.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from milepost.base.addresses import normalize_email
from milepost.base.names import MessageRef
from milepost.sending.message import Answer, OutgoingEmail
from milepost.sending.probes import TAG
from milepost.templates.rendering import Rendered, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.sending.ports import Mailer
    from milepost.sending.probes import ProbeNotes
    from milepost.sending.senders import FromIdentity


TEST_SUBJECT_PREFIX = "[Test]"
SIMULATOR = "simulator.amazonses.com"
"""SES's simulator addresses. No person receives what is sent there."""


class Identities(Protocol):
    """The verified identities of the SES account."""

    def is_verified(self, identity: str) -> bool: ...


class SendTestDeclined(NamedTuple):
    """The test e-mail was not sent, and why."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class SendTest:
    """Sends test e-mails."""

    mailer: "Mailer"
    identities: Identities

    def send(
        self, to: str, rendered: Rendered, origin: "FromIdentity"
    ) -> Answer | SendTestDeclined:
        """Submit one test e-mail, once."""
        address = normalize_email(to)
        if address is None:
            return SendTestDeclined(
                f"{to} is no single e-mail address", "give one address at a time"
            )
        if not self._is_own(address):
            return SendTestDeclined(
                f"{address} is not known to be your own",
                "verify the address or its domain in SES first: tests go to nobody else",
            )
        return self.mailer.send(_mail(address, rendered, origin))

    def _is_own(self, address: str) -> bool:
        domain = address.rpartition("@")[2]
        if domain == SIMULATOR:
            return True
        labels = domain.split(".")
        parents = [".".join(labels[start:]) for start in range(len(labels) - 1)]
        return any(self.identities.is_verified(name) for name in (address, *parents))


@dataclass(frozen=True, slots=True)
class ProbeSender:
    """Sends the doctor's test e-mails, only to SES's simulator and for no contact."""

    mailer: "Mailer"
    notes: "ProbeNotes"

    def send(self, mailbox: str, probe: str) -> Answer:
        mail = OutgoingEmail(
            ref=MessageRef("", "", ""),
            to=f"{mailbox}@{SIMULATOR}",
            sender_name="Milepost",
            reply_to="",
            subject=f"{TEST_SUBJECT_PREFIX} milepost doctor",
            html="<html><body><p>A test of the way to SES and back.</p></body></html>",
            text="A test of the way to SES and back.",
            headers={},
            tags={TAG: probe},
        )
        return self.mailer.send(mail)

    def heard(self, probe: str) -> "Sequence[str]":
        return self.notes.reports(probe)


def _mail(to: str, rendered: Rendered, origin: "FromIdentity") -> OutgoingEmail:
    return OutgoingEmail(
        ref=MessageRef("", "", ""),
        to=to,
        sender_name=origin.name,
        sender_address=origin.address,
        reply_to=origin.reply_to,
        subject=one_line(f"{TEST_SUBJECT_PREFIX} {rendered.subject}"),
        html=rendered.html,
        text=rendered.text,
        headers={},
        tags={"test": rendered.hash},
    )
