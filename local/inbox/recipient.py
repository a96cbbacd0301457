"""What a recipient or a mail server does with an e-mail, for the pages and for the JSON API."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from local.inbox import unsubscribe
from local.inbox.links import Link, links_of
from local.ses import events
from local.ses.event_publisher import EventPublisher
from local.ses.mail import Mail
from local.ses.outcomes import report
from local.ses.store import HistoryEntry, Mailbox, StoredMail


class NotFound(Exception):
    """The e-mail, or the link in it, does not exist."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether SES would have reported it; if not, why."""

    published: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Acts on the e-mails of one mailbox."""

    mailbox: Mailbox
    publisher: EventPublisher
    now: Callable[[], datetime]

    def find(self, identity: str) -> StoredMail:
        kept = self.mailbox.get(identity)
        if kept is None:
            raise NotFound("There is no such mail; only the newest are kept.")
        return kept

    async def open(self, mail: Mail, agent: str = "", ip: str = "") -> Seen:
        if not mail.track_opens or not mail.html:
            return Seen(False, untracked("opens", mail.html))
        event = events.opened(mail, self.now(), agent or events.BROWSER, ip or events.READER_IP)
        await asyncio.to_thread(self.publisher.publish, mail, event)
        return Seen(True)

    async def click(self, mail: Mail, link: Link, agent: str = "", ip: str = "") -> Seen:
        if not mail.track_clicks:
            return Seen(False, untracked("clicks", mail.html))
        if not link.tracked:
            return Seen(False, "SES does not track this link.")
        event = events.clicked(
            mail,
            self.now(),
            link.url,
            link_tags=link.tags,
            agent=agent or events.BROWSER,
            ip=ip or events.READER_IP,
        )
        await asyncio.to_thread(self.publisher.publish, mail, event, link.url)
        return Seen(True)

    async def bounce(self, mail: Mail, *, transient: bool = False) -> Seen:
        for recipient in mail.recipients:
            for event in report(
                "transient" if transient else "bounce", mail, recipient, self.now()
            ):
                await asyncio.to_thread(self.publisher.publish, mail, event)
        return Seen(True)

    async def complain(self, mail: Mail) -> Seen:
        for recipient in mail.recipients:
            event = events.complaint(mail, self.now(), recipient)
            await asyncio.to_thread(self.publisher.publish, mail, event)
        return Seen(True)

    async def unsubscribe(self, mail: Mail) -> unsubscribe.Answer:
        """Raises NotOffered. SES reports no unsubscribe: the stack learns of it from the POST
        itself."""
        answer = await unsubscribe.unsubscribe(mail)
        kind = "Unsubscribe" if answer.done else "Unsubscribe failed"
        self.mailbox.note(mail.id, HistoryEntry(kind, self.now(), f"answered {answer.status}"))
        return answer


def link_of(mail: Mail, number: int = 0, url: str = "") -> Link:
    """A link of the e-mail by its number or address; raises NotFound."""
    for link in links_of(mail):
        if link.number == number or (url and link.url == url):
            return link
    raise NotFound(f"The mail has no link {number or url!r}; it must be one of those in its HTML.")


def untracked(what: str, html: str) -> str:
    if not html:
        return f"SES tracks {what} in HTML only, and this mail has none."
    return f"The mail was sent with tracking of {what} switched off, so SES reports nothing."
