"""SES's event records: pure functions from a mail and a time to JSON.

The formats are those of "Contents of event data that Amazon SES publishes to Amazon SNS". Times are
virtual arguments.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from local.aws import ACCOUNT, REGION
from local.clock import timestamp
from local.ses.mail import Mail

MOST_HEADER_BYTES = 10 * 1024
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko)"
READER_IP = "198.51.100.7"
OUTGOING_IP = "192.0.2.25"

# The name in MatchingEventTypes of an event destination, for each eventType of a record.
MATCHING_TYPES = {
    "Send": "SEND",
    "Reject": "REJECT",
    "Delivery": "DELIVERY",
    "Bounce": "BOUNCE",
    "Complaint": "COMPLAINT",
    "Open": "OPEN",
    "Click": "CLICK",
    "DeliveryDelay": "DELIVERY_DELAY",
    "Rendering Failure": "RENDERING_FAILURE",
}

Event = dict[str, Any]


def send(mail: Mail) -> Event:
    return record("Send", mail, {"send": {}})


def delivery(mail: Mail, at: datetime, recipients: Iterable[str]) -> Event:
    took = max(0, round((at - mail.accepted_at).total_seconds() * 1000))
    detail = {
        "timestamp": timestamp(at),
        "processingTimeMillis": took,
        "recipients": list(recipients),
        "smtpResponse": "250 2.6.0 Message received",
        "remoteMtaIp": "203.0.113.25",
        "reportingMTA": "a8-50.smtp-out.amazonses.com",
    }
    return record("Delivery", mail, {"delivery": detail}, delivered=True)


def bounce(
    mail: Mail,
    at: datetime,
    recipient: str,
    *,
    kind: str = "Permanent",
    subkind: str = "General",
    status: str = "5.1.1",
    diagnosis: str = "smtp; 550 5.1.1 user unknown",
) -> Event:
    detail = {
        "feedbackId": feedback_id(),
        "bounceType": kind,
        "bounceSubType": subkind,
        "bouncedRecipients": [
            {
                "emailAddress": recipient,
                "action": "failed",
                "status": status,
                "diagnosticCode": diagnosis,
            }
        ],
        "timestamp": timestamp(at),
        "remoteMtaIp": "203.0.113.25",
        "reportingMTA": "dns; a8-50.smtp-out.amazonses.com",
    }
    return record("Bounce", mail, {"bounce": detail})


def complaint(mail: Mail, at: datetime, recipient: str) -> Event:
    detail = {
        "feedbackId": feedback_id(),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": recipient}],
        "timestamp": timestamp(at),
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": "abuse",
        "arrivalDate": timestamp(at),
    }
    return record("Complaint", mail, {"complaint": detail}, delivered=True)


def reject(mail: Mail) -> Event:
    return record("Reject", mail, {"reject": {"reason": "Bad content"}})


def delivery_delay(mail: Mail, at: datetime, recipient: str) -> Event:
    delayed = {
        "emailAddress": recipient,
        "status": "4.4.1",
        "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
    }
    detail = {
        "timestamp": timestamp(at),
        "delayType": "TransientCommunicationFailure",
        "expirationTime": timestamp(at),
        "delayedRecipients": [delayed],
    }
    return record("DeliveryDelay", mail, {"deliveryDelay": detail})


def opened(mail: Mail, at: datetime, agent: str = BROWSER, ip: str = READER_IP) -> Event:
    detail = {"timestamp": timestamp(at), "userAgent": agent, "ipAddress": ip}
    return record("Open", mail, {"open": detail}, delivered=True)


def clicked(
    mail: Mail,
    at: datetime,
    link: str,
    *,
    link_tags: Mapping[str, list[str]] | None = None,
    agent: str = BROWSER,
    ip: str = READER_IP,
) -> Event:
    detail = {
        "timestamp": timestamp(at),
        "ipAddress": ip,
        "userAgent": agent,
        "link": link,
        "linkTags": dict(link_tags) if link_tags else None,
    }
    return record("Click", mail, {"click": detail}, delivered=True)


def record(kind: str, mail: Mail, detail: Event, *, delivered: bool = False) -> Event:
    """One record: the event, the mail, and the details under the event's name."""
    headers, truncated = headers_of(mail)
    tags: dict[str, list[str]] = {
        "ses:operation": ["SendEmail"],
        "ses:configuration-set": [mail.configuration_set],
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": [mail.sender.domain],
        "ses:caller-identity": ["milepost-local"],
    }
    if delivered:
        tags["ses:outgoing-ip"] = [OUTGOING_IP]
    tags |= {name: [value] for name, value in mail.tags.items()}
    common = {
        "from": [mail.header("From")],
        "to": list(mail.to),
        "messageId": mail.id,
        "subject": mail.subject,
    }
    return {
        "eventType": kind,
        "mail": {
            "timestamp": timestamp(mail.accepted_at),
            "source": mail.header("From"),
            "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{mail.sender.domain}",
            "sendingAccountId": ACCOUNT,
            "messageId": mail.id,
            "destination": list(mail.recipients),
            "headersTruncated": truncated,
            "headers": headers,
            "commonHeaders": common,
            "tags": tags,
        },
        **detail,
    }


def headers_of(mail: Mail) -> tuple[list[dict[str, str]], bool]:
    """The headers that fit into ten kilobytes, and whether some did not fit."""
    kept: list[dict[str, str]] = []
    room = MOST_HEADER_BYTES
    for header in mail.headers:
        room -= len(header.name) + len(header.value.encode())
        if room < 0:
            return kept, True
        kept.append({"name": header.name, "value": header.value})
    return kept, False


def feedback_id() -> str:
    return f"0100{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000"


def is_web_link(link: str) -> bool:
    """Whether SES would track a click on it: http and https only."""
    try:
        return urlsplit(link).scheme.lower() in ("http", "https")
    except ValueError:
        return False
