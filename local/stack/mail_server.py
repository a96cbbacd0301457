"""The stand-in for SES and its inbox: one application, one port."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware

from local.clock import VirtualClock
from local.inbox.api import InboxApi
from local.inbox.pages import Pages
from local.inbox.recipient import Reader
from local.ses.control_api import Desk
from local.ses.event_publisher import Carrier
from local.ses.faults import Faults
from local.ses.identities import Directory
from local.ses.outcomes import Outcomes
from local.ses.service import Authority, PostOffice
from local.ses.store import Mailbox
from local.ses.wire_api import WireApi
from local.stack.csrf_guard import Guard

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class MailServer:
    """The parts of the mail server that other modules use."""

    app: Starlette
    mailbox: Mailbox
    office: PostOffice
    carrier: Carrier
    faults: Faults
    outcomes: Outcomes


def build_mail_server(
    directory: Directory,
    sns: "SNSClient",
    clock: VirtualClock,
    authority: Authority | None = None,
    emulator: str = "",
) -> MailServer:
    """Build the mail server. `carrier.stop()` ends its threads.

    Requests about identities and configuration sets go to the emulator at `emulator`.
    """
    mailbox, outcomes, faults = Mailbox(), Outcomes(), Faults()
    carrier = Carrier(directory, mailbox, outcomes, clock.now, sns)
    office = PostOffice(directory, mailbox, carrier, clock.now, authority)
    reader = Reader(mailbox, carrier, clock.now)
    routes = [
        *WireApi(office, faults).routes(),
        *(Desk(emulator).routes() if emulator else ()),
        *InboxApi(reader, office, faults, outcomes).routes(),
        *Pages(reader, clock.speed).routes(),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Guard)])
    return MailServer(app, mailbox, office, carrier, faults, outcomes)
