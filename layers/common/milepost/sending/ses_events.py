"""SES's event JSON as reports of the ledger's vocabulary."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from milepost.base import instants
from milepost.sending.bot_detection import MIN_HUMAN_DELAY, Why, detect_bot
from milepost.sending.message import DeliveryEvent, Reported
from milepost.templates.utm import strip_utm

_KINDS: Mapping[str, tuple[Reported, str]] = {
    "Send": ("sent", "send"),
    "Delivery": ("delivered", "delivery"),
    "DeliveryDelay": ("delayed", "deliveryDelay"),
    "Open": ("opened", "open"),
    "Click": ("clicked", "click"),
    "Bounce": ("bounced", "bounce"),
    "Complaint": ("complained", "complaint"),
    "Reject": ("rejected", "reject"),
    "Rendering Failure": ("rejected", "failure"),
}
"""What SES calls it, what we do, and where its detail is. `Subscription` is none of ours: readers
unsubscribe at our own pages."""

_NOT_SPAM = "not-spam"
_TAGS_HEADER = "X-SES-MESSAGE-TAGS"
_GREETING = "Successfully validated SNS topic for Amazon SES event publishing."
"""What SES publishes, as plain text, whenever an event destination is made."""


class SesEvent(NamedTuple):
    """A report with the message it is about, as our own tags name it."""

    store: str
    message: str
    report: DeliveryEvent


def from_queue(body: str) -> SesEvent | None:
    """Read an SQS record that SNS put there, with its envelope or raw; None if it tells us nothing
    we record.

    Raises ValueError or KeyError for what is not an SES event at all.
    """
    if body == _GREETING:
        return None
    document = json.loads(body)
    if "Message" not in document:
        return from_ses({"mail": document["mail"], **document})
    message = document["Message"]
    return None if message == _GREETING else from_ses(json.loads(message))


def from_ses(event: Mapping[str, Any]) -> SesEvent | None:
    """Read one event: of a configuration set, or of the older notifications of an identity.

    The older ones name no tags, so they are ours only if they quote the headers that hold them.
    """
    said = event.get("eventType") or event.get("notificationType") or ""
    kind, place = _KINDS.get(said, (None, ""))
    mail = event["mail"] if kind else {}
    message = _tag(mail, "message")
    store = _tag(mail, "store")
    if kind is None or not message or not store:
        return None
    detail = event.get(place) or {}
    if kind == "complained" and detail.get("complaintFeedbackType") == _NOT_SPAM:
        return None  # somebody took the mail out of the spam folder
    at = instants.parse_instant(detail.get("timestamp") or mail["timestamp"])
    recipient, *others = [*_recipients(kind, detail), ""]
    return SesEvent(
        store=store,
        message=message,
        report=DeliveryEvent(
            kind=kind,
            at=at,
            recipient=recipient,
            link=_followed(mail, detail) if kind == "clicked" else "",
            detail=_detail(kind, detail),
            permanent=detail.get("bounceType") == "Permanent",
            bot_reason=_machine(kind, detail, at, mail.get("timestamp") or ""),
            others=tuple(filter(None, others)),
        ),
    )


def _followed(mail: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    link = detail.get("link", "")
    return strip_utm(link, _tag(mail, "workflow"), _tag(mail, "step"), _tag(mail, "variant"))


def _machine(kind: Reported, detail: Mapping[str, Any], at: datetime, handed_over: str) -> Why:
    if kind not in ("opened", "clicked"):
        return ""
    after = at - instants.parse_instant(handed_over) if handed_over else MIN_HUMAN_DELAY
    return detect_bot(kind, detail.get("userAgent") or "", after)


def _tag(mail: Mapping[str, Any], name: str) -> str:
    """A tag of ours. Several values come as an array; the first counts."""
    values = (mail.get("tags") or {}).get(name)
    if isinstance(values, list) and values and isinstance(values[0], str):
        return values[0]
    for header in mail.get("headers") or ():
        if header.get("name", "").upper() == _TAGS_HEADER:
            pairs = (pair.partition("=") for pair in header.get("value", "").split(","))
            found = {key.strip(): value.strip() for key, _, value in pairs}
            return str(found.get(name, ""))
    return ""


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
        return str(detail.get("complaintFeedbackType") or "complaint")
    if kind == "rejected":  # a template's error may quote what was to be filled in
        return str(detail.get("reason") or "rendering failure")
    return str(detail.get("delayType") or "") if kind == "delayed" else ""
