"""Attachments of transactional e-mails: the allowed types, and the path for one event.

The author writes the path. Placeholders take values from the event:
`invoices/{event.order_id}.pdf`. A value must be a single name, so that it cannot lead into another
folder.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from milepost.base.paths import MISSING, get_path
from milepost.contacts.event_names import ALLOWED, DEVICE, FORM, OPT_IN, PREFERENCES

VISITOR_EVENTS = ALLOWED | {FORM, OPT_IN, DEVICE, PREFERENCES}
"""Events that any visitor can send from a browser, with data of their choice."""

KINDS: Mapping[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "ics": "text/calendar",
    "csv": "text/csv",
    "txt": "text/plain",
}
"""The content types that mail programs open without a warning, by file extension."""

MAX_BYTES = 5 * 1024 * 1024
"""The limit for one file and for all files of an e-mail: SES throttles e-mails above 10 MB, which
include the Base64 overhead."""

_MAGIC_BYTES: Mapping[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "ics": (b"BEGIN:VCALENDAR", b"\xef\xbb\xbfBEGIN:VCALENDAR"),
}
_PLACEHOLDER = re.compile(r"\{(event\.[A-Za-z_][\w.]*)\}")
_PATH = re.compile(r"(?!.*//)[A-Za-z0-9][A-Za-z0-9._/-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class Attachment(NamedTuple):
    """A file in the form that SES takes."""

    name: str
    kind: str
    content: bytes


def check_path(path: str) -> str:
    """The error in a path as the author wrote it; empty if it is valid."""
    sample = _PLACEHOLDER.sub("x", path)
    if not _PATH.fullmatch(sample) or ".." in sample:
        return "is no path of letters, digits, and . _ - / with pieces like {event.order_id}"
    if _extension(sample) not in KINDS:
        return f"is no file of a kind that may be attached: {', '.join(KINDS)}"
    return ""


def uses_event_data(path: str) -> bool:
    """Whether the path depends on the event."""
    return _PLACEHOLDER.search(path) is not None


def attachment_path(path: str, event: Mapping[str, Any]) -> str | None:
    """The path for this event; None if a value is missing or is not a valid part of a name."""
    parts: list[str] = []
    position = 0
    for placeholder in _PLACEHOLDER.finditer(path):
        value = get_path({"event": event}, placeholder[1])
        if value is MISSING or type(value) not in (str, int) or not _NAME.fullmatch(str(value)):
            return None
        parts += [path[position : placeholder.start()], str(value)]
        position = placeholder.end()
    return "".join((*parts, path[position:]))


def attachment_for(path: str, content: bytes) -> Attachment | str:
    """The file to send, or the reason why it cannot be sent."""
    extension = _extension(path)
    if len(content) > MAX_BYTES:
        return f"is larger than {MAX_BYTES // 1024 // 1024} MB"
    magic = _MAGIC_BYTES.get(extension)
    if not content or (magic and not content.startswith(magic)):
        return f"is no {extension.upper()} file"
    return Attachment(path.rpartition("/")[2], KINDS[extension], content)


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()
