"""The stand-in for SES and its inbox: one application, one port."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware

from local.clock import VirtualClock
from local.guard import Guard
from local.inbox.api import InboxApi
from local.inbox.pages import Pages
from local.inbox.reader import Reader
from local.ses.api import WireApi
from local.ses.carrier import Carrier
from local.ses.desk import Desk
from local.ses.directory import Directory
from local.ses.faults import Faults
from local.ses.mailbox import Mailbox
from local.ses.office import Authority, PostOffice
from local.ses.outcomes import Outcomes

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class MailServer:
    """The parts that others need to hold on to."""

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
    """Put the parts together. `carrier.stop()` ends its threads.

    At `emulator` questions about identities and configuration sets are answered.
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
