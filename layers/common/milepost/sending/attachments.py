"""Files that go with a transactional mail: which may, and which one it is for this event.

The path is the author's, but for pieces that come from the event: `invoices/{event.order_id}.pdf`.
A piece is one name: no value of anybody's may lead into another folder.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from milepost.base.paths import MISSING, get_path
from milepost.contacts.event_names import ALLOWED, DEVICE, FORM, OPT_IN, PREFERENCES

VISITOR_EVENTS = ALLOWED | {FORM, OPT_IN, DEVICE, PREFERENCES}
"""Events that anybody may cause with a browser, and whose data they choose."""

KINDS: Mapping[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "ics": "text/calendar",
    "csv": "text/csv",
    "txt": "text/plain",
}
"""What mail programs open without a warning, by the end of its name."""

MAX_BYTES = 5 * 1024 * 1024
"""Of one file, and of all files of a mail together: beyond 10 MB, with Base64, SES slows down."""

_BEGINS: Mapping[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "ics": (b"BEGIN:VCALENDAR", b"\xef\xbb\xbfBEGIN:VCALENDAR"),
}
_SLOT = re.compile(r"\{(event\.[A-Za-z_][\w.]*)\}")
_PATH = re.compile(r"(?!.*//)[A-Za-z0-9][A-Za-z0-9._/-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class Attachment(NamedTuple):
    """A file as the post takes it."""

    name: str
    kind: str
    content: bytes


def check_path(path: str) -> str:
    """What is wrong with a path as an author wrote it; empty if nothing is."""
    bare = _SLOT.sub("x", path)
    if not _PATH.fullmatch(bare) or ".." in bare:
        return "is no path of letters, digits, and . _ - / with pieces like {event.order_id}"
    if _end(bare) not in KINDS:
        return f"is no file of a kind that may be attached: {', '.join(KINDS)}"
    return ""


def uses_event_data(path: str) -> bool:
    """Whether it depends on the event which file it is."""
    return _SLOT.search(path) is not None


def attachment_path(path: str, event: Mapping[str, Any]) -> str | None:
    """The path for this event; None if a value is missing or cannot be a piece of a name."""
    filled: list[str] = []
    position = 0
    for slot in _SLOT.finditer(path):
        value = get_path({"event": event}, slot[1])
        if value is MISSING or type(value) not in (str, int) or not _NAME.fullmatch(str(value)):
            return None
        filled += [path[position : slot.start()], str(value)]
        position = slot.end()
    return "".join((*filled, path[position:]))


def attachment_for(path: str, content: bytes) -> Attachment | str:
    """The file to send, or why it cannot be sent."""
    end = _end(path)
    if len(content) > MAX_BYTES:
        return f"is larger than {MAX_BYTES // 1024 // 1024} MB"
    begins = _BEGINS.get(end)
    if not content or (begins and not content.startswith(begins)):
        return f"is no {end.upper()} file"
    return Attachment(path.rpartition("/")[2], KINDS[end], content)


def _end(path: str) -> str:
    return path.rpartition(".")[2].lower()
