"""E-mails as JSON documents, for the demo, for tests and for curl."""

from typing import Any

from local.clock import timestamp
from local.inbox.links import Link, links_of
from local.ses.store import StoredMail


def summary(kept: StoredMail) -> dict[str, Any]:
    """An e-mail without its bodies. Times are virtual."""
    mail = kept.mail
    return {
        "id": mail.id,
        "number": kept.number,
        "accepted_at": timestamp(mail.accepted_at),
        "from": mail.header("From"),
        "to": list(mail.to),
        "recipients": list(mail.recipients),
        "subject": mail.subject,
        "tags": dict(mail.tags),
        "configuration_set": mail.configuration_set,
        "track_opens": mail.track_opens,
        "track_clicks": mail.track_clicks,
        "states": kept.states(),
    }


def document(kept: StoredMail) -> dict[str, Any]:
    """Everything about an e-mail."""
    mail = kept.mail
    return {
        **summary(kept),
        "html": mail.html,
        "text": mail.text,
        "headers": [{"name": header.name, "value": header.value} for header in mail.headers],
        "links": [link_document(link) for link in links_of(mail)],
        "history": [
            {"kind": one.kind, "at": timestamp(one.at), "detail": one.detail}
            for one in kept.history
        ],
        "source": mail.source.decode("utf-8", "replace"),
    }


def link_document(link: Link) -> dict[str, Any]:
    return {
        "number": link.number,
        "url": link.url,
        "text": link.text,
        "tracked": link.tracked,
        "tags": link.tags,
    }
