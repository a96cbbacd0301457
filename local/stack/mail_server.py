"""The stand-in for SES and its inbox: one application, one port."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware

from local.clock import VirtualClock
from local.inbox.api import InboxApi
from local.inbox.pages import Pages
from local.inbox.recipient import Reader
from local.ses.control_api import ControlApi
from local.ses.event_publisher import EventPublisher
from local.ses.faults import Faults
from local.ses.identities import Identities
from local.ses.outcomes import Outcomes
from local.ses.service import Authorizer, SesService
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
    service: SesService
    publisher: EventPublisher
    faults: Faults
    outcomes: Outcomes


def build_mail_server(
    directory: Identities,
    sns: "SNSClient",
    clock: VirtualClock,
    authority: Authorizer | None = None,
    emulator: str = "",
) -> MailServer:
    """Build the mail server. `publisher.stop()` ends its threads.

    Requests about identities and configuration sets go to the emulator at `emulator`.
    """
    mailbox, outcomes, faults = Mailbox(), Outcomes(), Faults()
    publisher = EventPublisher(directory, mailbox, outcomes, clock.now, sns)
    service = SesService(directory, mailbox, publisher, clock.now, authority)
    reader = Reader(mailbox, publisher, clock.now)
    routes = [
        *WireApi(service, faults).routes(),
        *(ControlApi(emulator).routes() if emulator else ()),
        *InboxApi(reader, service, faults, outcomes).routes(),
        *Pages(reader, clock.speed).routes(),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Guard)])
    return MailServer(app, mailbox, service, publisher, faults, outcomes)
