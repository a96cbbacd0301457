"""Checks from SES's documentation that the service model does not contain."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from local.ses.addresses import parse_address
from local.ses.errors import BadRequest, MessageRejected, NotFound

MOST_RECIPIENTS = 50
MAX_BYTES = 40 * 1024 * 1024
LONGEST_HEADER = 996
RECIPIENT_FIELDS = ("ToAddresses", "CcAddresses", "BccAddresses")

TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
# SES sets these itself ("Amazon SES header fields" in its guide lists all except Sender).
RESERVED_HEADERS = frozenset(
    {
        "bcc",
        "cc",
        "content-disposition",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
    }
)
# Part of SES's list of file types that it does not send: the ones that a shop might use.
REFUSED_ATTACHMENTS = (
    *(
        ".app",
        ".bat",
        ".cmd",
        ".com",
        ".exe",
        ".hta",
        ".js",
        ".jse",
        ".lnk",
        ".msi",
        ".msp",
        ".pif",
    ),
    *(".ps1", ".ps2", ".reg", ".scr", ".sys", ".url", ".vb", ".vbe", ".vbs", ".ws", ".wsf", ".wsh"),
)


def check_rules(request: Mapping[str, Any]) -> None:
    """Check a request that fits the model. Raises a SesError for the first broken rule."""
    check_content_kind(request["Content"])
    check_addresses(request)
    check_tags(request.get("EmailTags") or [])
    raw, simple = request["Content"].get("Raw"), request["Content"].get("Simple")
    if raw is not None:
        check_size(len(raw["Data"]) * 3 // 4)  # still base64
    if simple is not None:
        check_simple(simple)
        check_headers(simple.get("Headers") or [])
        check_attachments(simple.get("Attachments") or [])
    check_what_is_not_here(request)


def check_content_kind(content: Mapping[str, Any]) -> None:
    kinds = [kind for kind in ("Simple", "Raw", "Template") if content.get(kind) is not None]
    if len(kinds) != 1:
        raise BadRequest("Content must hold exactly one of Simple, Raw and Template.")
    if kinds == ["Template"]:
        template = content["Template"]
        if template.get("TemplateContent"):
            raise BadRequest("The local stand-in renders no templates; send Simple content.")
        raise NotFound(f"Template {template.get('TemplateName')} does not exist.")


def check_addresses(request: Mapping[str, Any]) -> None:
    destination = request.get("Destination") or {}
    recipients = [
        (field, address) for field in RECIPIENT_FIELDS for address in destination.get(field) or []
    ]
    if request["Content"].get("Raw") is None:
        if not request.get("FromEmailAddress"):
            raise BadRequest("FromEmailAddress must be given.")
        if not recipients:
            raise BadRequest("Destination must hold at least one address.")
    if len(recipients) > MOST_RECIPIENTS:
        raise BadRequest(f"Recipient count exceeds {MOST_RECIPIENTS}.")
    for field, address in recipients:
        parse_address(address, field)
    for address in request.get("ReplyToAddresses") or []:
        parse_address(address, "ReplyToAddresses")
    for field in ("FromEmailAddress", "FeedbackForwardingEmailAddress"):
        if request.get(field):
            parse_address(request[field], field)


def check_tags(tags: Iterable[Mapping[str, str]]) -> None:
    seen: set[str] = set()
    for tag in tags:
        for part in ("Name", "Value"):
            if not TAG.fullmatch(tag[part]):
                raise BadRequest(
                    f"Invalid tag {part.lower()} <{tag[part][:100]}>: only alphanumeric ASCII "
                    f"characters, '_', and '-' are allowed, 1 to 256 of them."
                )
        if tag["Name"] in seen:
            # SES does not document which of the two wins.
            raise BadRequest(f"Duplicate tag name <{tag['Name']}>.")
        seen.add(tag["Name"])


def check_simple(simple: Mapping[str, Any]) -> None:
    body = simple["Body"]
    if body.get("Text") is None and body.get("Html") is None:
        raise BadRequest("Body must hold Text or Html.")
    subject = simple["Subject"]["Data"]
    if any(character in subject for character in "\r\n\0"):
        raise BadRequest("Subject must not hold line breaks or NUL.")
    for place, part in (("Subject", simple["Subject"]), *body.items()):
        if part is None:
            continue
        charset = part.get("Charset") or "us-ascii"
        try:
            part["Data"].encode(charset)
        except LookupError:
            raise BadRequest(f"{place} has an unknown Charset {charset!r}.") from None
        except UnicodeEncodeError:
            # SES assumes 7-bit ASCII if Charset is missing, and documents nothing else.
            raise BadRequest(f"{place} does not fit its Charset {charset!r}; give UTF-8.") from None


def check_headers(headers: Iterable[Mapping[str, str]]) -> None:
    for header in headers:
        name, value = header["Name"], header["Value"]
        if name.lower() in RESERVED_HEADERS:
            raise BadRequest(f"The header {name} is set by SES and cannot be given.")
        if len(name) + len(value) > LONGEST_HEADER:
            raise BadRequest(f"The header {name} exceeds {LONGEST_HEADER} characters.")


def check_attachments(attachments: Iterable[Mapping[str, Any]]) -> None:
    for attachment in attachments:
        if attachment["FileName"].lower().endswith(REFUSED_ATTACHMENTS):
            raise MessageRejected(f"The attachment {attachment['FileName']} is of a refused type.")


def check_what_is_not_here(request: Mapping[str, Any]) -> None:
    """The account has no contact lists, tenants or global endpoints; refuse requests that name
    them."""
    lists = request.get("ListManagementOptions")
    if lists:
        raise NotFound(f"List with name: {lists['ContactListName']} doesn't exist.")
    for field in ("TenantName", "EndpointId"):
        if request.get(field):
            raise NotFound(f"{field} {request[field]} does not exist.")


def check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise BadRequest(f"Message length is more than {MAX_BYTES} bytes long: '{size}'.")
