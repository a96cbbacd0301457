"""Translate the event JSON of SES into delivery events."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from milepost.base import times
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
"""The event type of SES, ours, and the key of its details. `Subscription` is left out: recipients
unsubscribe on Milepost's own pages."""

_NOT_SPAM = "not-spam"
_TAGS_HEADER = "X-SES-MESSAGE-TAGS"
_GREETING = "Successfully validated SNS topic for Amazon SES event publishing."
"""The plain text that SES publishes when an event destination is created."""


class SesEvent(NamedTuple):
    """A delivery event with the store and the message from its tags."""

    store: str
    message: str
    report: DeliveryEvent


def from_queue(body: str) -> SesEvent | None:
    """Read an SQS record from SNS, with its envelope or raw; None if it holds nothing to record.

    Raises ValueError or KeyError if it is not an SES event.
    """
    if body == _GREETING:
        return None
    document = json.loads(body)
    if "Message" not in document:
        return from_ses({"mail": document["mail"], **document})
    message = document["Message"]
    return None if message == _GREETING else from_ses(json.loads(message))


def from_ses(event: Mapping[str, Any]) -> SesEvent | None:
    """Read one event of a configuration set, or one of the older notifications of an identity.

    The older ones have no tags, so they count only if they quote the headers with the tags.
    """
    event_type = event.get("eventType") or event.get("notificationType") or ""
    kind, detail_key = _KINDS.get(event_type, (None, ""))
    mail = event["mail"] if kind else {}
    message = _tag(mail, "message")
    store = _tag(mail, "store")
    if kind is None or not message or not store:
        return None
    detail = event.get(detail_key) or {}
    if kind == "complained" and detail.get("complaintFeedbackType") == _NOT_SPAM:
        return None  # the recipient moved the e-mail out of the spam folder
    at = times.parse_instant(detail.get("timestamp") or mail["timestamp"])
    recipient, *others = [*_recipients(kind, detail), ""]
    return SesEvent(
        store=store,
        message=message,
        report=DeliveryEvent(
            kind=kind,
            at=at,
            recipient=recipient,
            link=_clicked_link(mail, detail) if kind == "clicked" else "",
            detail=_detail(kind, detail),
            permanent=detail.get("bounceType") == "Permanent",
            bot_reason=_bot_reason(kind, detail, at, mail.get("timestamp") or ""),
            others=tuple(filter(None, others)),
        ),
    )


def _clicked_link(mail: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    link = detail.get("link", "")
    return strip_utm(link, _tag(mail, "workflow"), _tag(mail, "step"), _tag(mail, "variant"))


def _bot_reason(kind: Reported, detail: Mapping[str, Any], at: datetime, handed_over: str) -> Why:
    if kind not in ("opened", "clicked"):
        return ""
    after = at - times.parse_instant(handed_over) if handed_over else MIN_HUMAN_DELAY
    return detect_bot(kind, detail.get("userAgent") or "", after)


def _tag(mail: Mapping[str, Any], name: str) -> str:
    """The value of a tag. SES sends an array; the first value counts."""
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
    """The addresses in a bounce or a complaint. Some mailbox providers redact the address."""
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
    if kind == "rejected":  # the error of a template may quote its data, so it is left out
        return str(detail.get("reason") or "rendering failure")
    return str(detail.get("delayType") or "") if kind == "delayed" else ""
