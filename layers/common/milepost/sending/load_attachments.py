"""The files of one mail, all of them or the reason why there is no mail."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from milepost.enrollments.entry import began_with
from milepost.sending.attachments import (
    MOST_BYTES,
    OF_VISITORS,
    File,
    asks_event,
    file_of,
    path_for,
)

if TYPE_CHECKING:
    from milepost.sending.ports import Attachments


def gather(
    attachments: "Attachments",
    store: str,
    paths: Iterable[str],
    name: str,
    event: Mapping[str, Any],
) -> tuple[File, ...] | str:
    """Read what a step attaches; `name` is the event's. A reason names the file as its author wrote
    it, without values."""
    # A workflow may have been started by another, or by a change that such an event made.
    chosen = began_with(name, event) in OF_VISITORS
    files: list[File] = []
    left = MOST_BYTES
    for written in paths:
        if chosen and asks_event(written):
            return f'"{written}" would be chosen by a visitor of your pages: they report this event'
        path = path_for(written, event)
        if path is None:
            return f'"{written}" cannot be filled in: the event has no such name of a file'
        content = attachments.read(store, path, MOST_BYTES + 1)
        if content is None:
            return f'there is no file "attachments/{written}"'
        file = file_of(path, content)
        if isinstance(file, str):
            return f'"{written}" {file}'
        left -= len(content)
        if left < 0:
            return f"the files are larger than {MOST_BYTES // 1024 // 1024} MB together"
        files.append(file)
    return tuple(files)
