"""SES's event JSON as reports of the ledger's vocabulary."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from milepost.domain import instants
from milepost.domain.messages import Report, Reported

_KINDS: Mapping[str, Reported] = {
    "Send": "sent",
    "Delivery": "delivered",
    "Open": "opened",
    "Click": "clicked",
    "Bounce": "bounced",
    "Complaint": "complained",
    "Reject": "rejected",
}
_NOT_SPAM = "not-spam"
_GREETING = "Successfully validated SNS topic for Amazon SES event publishing."
"""What SES publishes, as plain text, whenever an event destination is made."""


class SesReport(NamedTuple):
    """A report with the message it is about, as our own tags name it."""

    store: str
    message: str
    report: Report


def from_queue(body: str) -> SesReport | None:
    """Read an SQS record that SNS put there; None if it tells us nothing we record.

    Raises ValueError or KeyError for what is not an SES event at all.
    """
    message = json.loads(body)["Message"]
    return None if message == _GREETING else from_ses(json.loads(message))


def from_ses(event: Mapping[str, Any]) -> SesReport | None:
    """Read one event of a configuration set; the legacy format carries no tags and is not ours."""
    kind = _KINDS.get(event.get("eventType", ""))
    mail = event["mail"] if kind else {}
    message = _tag(mail, "message")
    store = _tag(mail, "store")
    if kind is None or not message or not store:
        return None
    if kind == "complained" and event["complaint"].get("complaintFeedbackType") == _NOT_SPAM:
        return None  # somebody took the mail out of the spam folder
    detail = event.get(event["eventType"].lower(), {})
    return SesReport(
        store=store,
        message=message,
        report=Report(
            kind=kind,
            at=instants.parse(detail.get("timestamp") or mail["timestamp"]),
            recipient=next(_recipients(kind, detail), ""),
            link=detail.get("link", "") if kind == "clicked" else "",
            detail=_detail(kind, detail),
            permanent=detail.get("bounceType") == "Permanent",
        ),
    )


def _tag(mail: Mapping[str, Any], name: str) -> str:
    values = mail.get("tags", {}).get(name, [])
    return values[0] if isinstance(values, list) and values else ""


def _recipients(kind: Reported, detail: Mapping[str, Any]) -> Iterator[str]:
    """Whom a bounce or complaint names. Some mailbox providers black the address out."""
    name = {"bounced": "bouncedRecipients", "complained": "complainedRecipients"}.get(kind)
    for recipient in detail.get(name, ()) if name else ():
        address = recipient.get("emailAddress", "")
        if "@" in address:
            yield address.rpartition("<")[2].rstrip(">")


def _detail(kind: Reported, detail: Mapping[str, Any]) -> str:
    if kind == "bounced":
        return f"{detail.get('bounceType', '')} {detail.get('bounceSubType', '')}".strip()
    if kind == "complained":
        return detail.get("complaintFeedbackType") or "complaint"
    return detail.get("reason", "") if kind == "rejected" else ""
