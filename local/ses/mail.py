"""An accepted e-mail, and the message that a mail server would have received."""

import secrets
import time
import uuid
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from typing import Any

from local.ses.addresses import Address, parse_address
from local.ses.errors import BadRequest
from local.ses.rules import RECIPIENT_FIELDS, check_tags

TAGS_HEADER = "X-SES-MESSAGE-TAGS"
SET_HEADER = "X-SES-CONFIGURATION-SET"
SIMPLE_TEXT_LINE = 998


@dataclass(frozen=True, slots=True)
class Header:
    """One header line, decoded."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail that was accepted. It never changes."""

    id: str
    accepted_at: datetime
    sender: Address
    to: tuple[str, ...]
    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str
    headers: tuple[Header, ...]
    source: bytes = field(repr=False)
    tags: Mapping[str, str]
    configuration_set: str
    track_opens: bool = True
    track_clicks: bool = True

    def header(self, name: str) -> str:
        """The value of the first header of that name, or empty."""
        wanted = name.lower()
        return next((one.value for one in self.headers if one.name.lower() == wanted), "")


def new_message_id() -> str:
    """An id in SES's form: `0100` + time + random - uuid - 000000."""
    return f"0100{int(time.time() * 1000):012x}-{secrets.token_hex(4)}-{uuid.uuid4()}-000000"


def mail_of(request: Mapping[str, Any], at: datetime) -> Mail:
    """The e-mail of a checked SendEmail request. Raises BadRequest for unusable Raw data."""
    raw = request["Content"].get("Raw")
    identity = new_message_id()
    message = read_raw(raw["Data"]) if raw else compose(request, identity, at)
    sender = request.get("FromEmailAddress") or str(message.get("From", ""))
    destination = request.get("Destination") or {}
    recipients = [one for field_ in RECIPIENT_FIELDS for one in destination.get(field_) or []]
    if not recipients:
        fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
        recipients = [address for _, address in getaddresses(fields)]
    if not sender or not recipients:
        raise BadRequest("The message has no sender or no recipient.")
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    tracking = (request.get("ConfigurationOverrides") or {}).get("Tracking") or {}
    return Mail(
        id=identity,
        accepted_at=at,
        sender=parse_address(sender, "From"),
        to=tuple(destination.get("ToAddresses") or recipients),
        recipients=tuple(parse_address(one, "Destination").address for one in recipients),
        subject=str(message.get("Subject", "")),
        html=html.get_content() if html else "",
        text=text.get_content() if text else "",
        headers=tuple(Header(name, str(value)) for name, value in message.items()),
        source=message.as_bytes(),
        tags=tags_of(request, message),
        configuration_set=request.get("ConfigurationSetName") or str(message.get(SET_HEADER, "")),
        track_opens=tracking.get("OpenTrackingEnabled") != "DISABLED",
        track_clicks=tracking.get("ClickTrackingEnabled") != "DISABLED",
    )


def tags_of(request: Mapping[str, Any], message: EmailMessage) -> dict[str, str]:
    """The tags of the request; those of the header only if the request has none."""
    given = request.get("EmailTags")
    if given:
        return {tag["Name"]: tag["Value"] for tag in given}
    pairs = [pair.partition("=") for pair in str(message.get(TAGS_HEADER, "")).split(",") if pair]
    tags = {name.strip(): value.strip() for name, _, value in pairs}
    check_tags([{"Name": name, "Value": value} for name, value in tags.items()])
    return tags


def compose(request: Mapping[str, Any], identity: str, at: datetime) -> EmailMessage:
    """The message that SES builds from Simple content."""
    simple = request["Content"]["Simple"]
    destination = request.get("Destination") or {}
    message = EmailMessage(policy=policy.SMTP)
    message["Message-ID"] = f"<{identity}@email.amazonses.com>"
    message["Date"] = format_datetime(at)
    message["From"] = request["FromEmailAddress"]
    for header, addresses in (
        ("To", destination.get("ToAddresses")),
        ("Cc", destination.get("CcAddresses")),
        ("Reply-To", request.get("ReplyToAddresses")),
    ):
        if addresses:
            message[header] = ", ".join(addresses)
    message["Subject"] = simple["Subject"]["Data"]
    for header in simple.get("Headers") or []:
        message[header["Name"]] = header["Value"]
    text, html = simple["Body"].get("Text"), simple["Body"].get("Html")
    if text:
        message.set_content(text["Data"], cte=encoding_for(text["Data"]))
    if html and text:
        message.add_alternative(html["Data"], subtype="html", cte=encoding_for(html["Data"]))
    elif html:
        message.set_content(html["Data"], subtype="html", cte=encoding_for(html["Data"]))
    for attachment in simple.get("Attachments") or []:
        kind, _, subkind = (attachment.get("ContentType") or "application/octet-stream").partition(
            "/"
        )
        message.add_attachment(
            b64decode(attachment["RawContent"]),
            maintype=kind,
            subtype=subkind.partition(";")[0].strip() or "octet-stream",
            filename=attachment["FileName"],
            disposition=attachment.get("ContentDisposition", "ATTACHMENT").lower(),
            cid=f"<{attachment['ContentId']}>" if attachment.get("ContentId") else None,
        )
    return message


def encoding_for(text: str) -> str:
    """The transfer encoding that keeps lines short; a readable one if possible."""
    readable = text.isascii() and all(len(line) < SIMPLE_TEXT_LINE for line in text.split("\n"))
    return "7bit" if readable else "quoted-printable" if mostly_ascii(text) else "base64"


def mostly_ascii(text: str) -> bool:
    return sum(character.isascii() for character in text) * 2 > len(text)


def read_raw(data: str) -> EmailMessage:
    message = message_from_bytes(b64decode(data), policy=policy.SMTP)
    if not message.keys():
        raise BadRequest("Raw data holds no message: it has no header.")
    return message
