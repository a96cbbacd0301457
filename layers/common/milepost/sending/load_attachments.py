"""Load the attachments of one e-mail: all of them, or the reason why it cannot be sent."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from milepost.enrollments.entry import root_event
from milepost.sending.attachments import (
    MAX_BYTES,
    VISITOR_EVENTS,
    Attachment,
    attachment_for,
    attachment_path,
    uses_event_data,
)

if TYPE_CHECKING:
    from milepost.sending.ports import Attachments


def load_attachments(
    attachments: "Attachments",
    store: str,
    paths: Iterable[str],
    name: str,
    event: Mapping[str, Any],
) -> tuple[Attachment, ...] | str:
    """Read the files that a step attaches; `name` is the event's. A reason names the file as its
    author wrote it, without values."""
    # Another workflow, or a change that such an event made, may have started this one.
    visitor_event = root_event(name, event) in VISITOR_EVENTS
    files: list[Attachment] = []
    bytes_left = MAX_BYTES
    for written in paths:
        if visitor_event and uses_event_data(written):
            return f'"{written}" would be chosen by a visitor of your pages: they report this event'
        path = attachment_path(written, event)
        if path is None:
            return f'"{written}" cannot be filled in: the event has no such name of a file'
        content = attachments.read(store, path, MAX_BYTES + 1)
        if content is None:
            return f'there is no file "attachments/{written}"'
        file = attachment_for(path, content)
        if isinstance(file, str):
            return f'"{written}" {file}'
        bytes_left -= len(content)
        if bytes_left < 0:
            return f"the files are larger than {MAX_BYTES // 1024 // 1024} MB together"
        files.append(file)
    return tuple(files)
